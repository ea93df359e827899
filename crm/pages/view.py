"""What the pages show, made from what the API tells: pure functions, no markup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from crm.calls.derived import WATERFALL_STAGES
from events.money import MILLICREDITS_PER_CREDIT

STAGE_NAMES: Final = {
    "vad_ms": "silence noticed",
    "end_of_turn_ms": "turn over",
    "transcript_ms": "understood",
    "first_token_ms": "first word thought",
    "first_audio_ms": "first sound made",
    "sent_ms": "on the wire",
    "played_ms": "heard",
}
CHART_WIDTH: Final = 600
# A chart is at least this wide in time, so that quick answers look quick.
CHART_MS_MIN: Final = 1000


@dataclass(frozen=True, slots=True)
class Bar:
    """One stage of an answer: `x` and `width` in the chart's units."""

    stage: str
    name: str
    x: float
    width: float
    at_ms: int


def split_heard(text: str, heard: str) -> tuple[str, str]:
    """Return what of an agent's turn was heard and what was not; joined by nothing they are the text."""
    if heard == text:
        return text, ""
    if text.startswith(heard):
        return heard, text[len(heard) :]
    # Cut by another tokenisation: count words.
    head = " ".join(text.split(" ")[: len(heard.split())])
    return head, text[len(head) :]


def bars(timings: Mapping[str, Any], scale_ms: int) -> Sequence[Bar]:
    """Return the stages of one answer side by side; one that is missing or out of order is skipped."""
    found: list[Bar] = []
    before = 0
    for stage in WATERFALL_STAGES:
        at = timings.get(stage)
        if at is None or at < before:
            continue
        factor = CHART_WIDTH / scale_ms
        found.append(Bar(stage, STAGE_NAMES[stage], before * factor, (at - before) * factor, at))
        before = at
    return found


def charts(waterfall: Sequence[Mapping[str, Any]]) -> Sequence[dict[str, Any]]:
    """Return one chart per answer, all on the same scale."""
    times = [value for row in waterfall for stage in WATERFALL_STAGES if (value := row.get(stage)) is not None]
    scale_ms = max([CHART_MS_MIN, *times])
    return [{"turn": row["turn"], "bars": bars(row, scale_ms)} for row in waterfall]


def as_credits(thousandths: int | None) -> str:
    """Return an amount for people: 1 234.5 credits."""
    if thousandths is None:
        return "–"
    sign = "-" if thousandths < 0 else ""
    whole, rest = divmod(abs(thousandths), MILLICREDITS_PER_CREDIT)
    fraction = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{sign}{whole:,}{fraction}".replace(",", " ")


def as_clock(milliseconds: int | None) -> str:
    """Return a place in the call for people: 1:02.3."""
    if milliseconds is None:
        return ""
    seconds = max(0, milliseconds) / 1000
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def as_words(code: str | None) -> str:
    """Return a state, an outcome or a status for people."""
    return (code or "–").replace("_", " ")
