"""What a comparison is worth: rounds, why one is void, the ratio of core per call, and how people read it. Sans-I/O."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Final

import msgspec

from bench.floor import Floor
from bench.load_report import LoadRun, ms

OURS: Final = "ours"
PROFILES: Final = ("default", "lean")
UNANSWERED_SHARE_MAX: Final = 0.05
TURNS_SHARE_MIN: Final = 0.75  # of the other side's: its answers come later or earlier, not more seldom


class Round(msgspec.Struct, frozen=True):
    """Each side's run, in the order in which they were made."""

    runs: dict[str, LoadRun]  # by OURS or profile
    void: tuple[str, ...]  # why it does not count


class PeerReport(msgspec.Struct, frozen=True):
    calls: int
    ratio_core_per_call: dict[str, float | None]  # by profile: pipecat's by ours; None when no round counts
    rounds: tuple[Round, ...]
    floor: Floor  # what our voice activity takes by itself; the peer's has rules of its own
    peer: dict[str, str]  # versions of what ran it


def new_round(runs: Mapping[str, LoadRun]) -> Round:
    """Return a round with the reasons why it says nothing, if it does not."""
    found = [f"{side}: {reason}" for side, run in runs.items() for reason in (*run.void, *_unanswered(run))]
    turns = {side: run.response_ms.count for side, run in runs.items()}
    most = max(turns.values())
    found += [
        f"{side}: {count} turns where another had {most}"
        for side, count in turns.items()
        if count < most * TURNS_SHARE_MIN
    ]
    return Round(dict(runs), tuple(found))


def _unanswered(run: LoadRun) -> list[str]:
    found = []
    if run.lost_calls:
        found.append(f"{run.lost_calls} calls were lost")
    if not run.response_ms.count or run.unanswered > run.response_ms.count * UNANSWERED_SHARE_MAX:
        found.append(f"{run.unanswered} turns unanswered, {run.response_ms.count} answered")
    return found


def new_report(calls: int, rounds: Sequence[Round], floor: Floor, peer: Mapping[str, str]) -> PeerReport:
    ratios = {profile: _ratio(rounds, profile) for profile in PROFILES}
    return PeerReport(calls, ratios, tuple(rounds), floor, dict(peer))


def sides(report: PeerReport) -> list[str]:
    """Return OURS and the profiles that were measured."""
    return list(dict.fromkeys(side for one in report.rounds for side in one.runs))


def _ratio(rounds: Sequence[Round], profile: str) -> float | None:
    good = [one.runs for one in rounds if not one.void and profile in one.runs]
    ours = sum(runs[OURS].core_per_call for runs in good)
    theirs = sum(runs[profile].core_per_call for runs in good)
    return round(theirs / ours, 2) if ours else None


def ratios(report: PeerReport, profile: str) -> list[float]:
    """Return the ratio of each round that counts: how much they differ is how much to trust it."""
    found = [_ratio([one], profile) for one in report.rounds]
    return [ratio for ratio in found if ratio is not None]


def middle(report: PeerReport, side: str, value: Callable[[LoadRun], float | None]) -> float | None:
    """Return the mean over the rounds that count."""
    found = [value(one.runs[side]) for one in report.rounds if not one.void and side in one.runs]
    known = [figure for figure in found if figure is not None]
    return mean(known) if known else None


def table(report: PeerReport) -> str:
    """Return the comparison as lines for people."""
    lines = [
        f"{'round':>6}  {'side':<16}{'core/call':>10}{'MB/call':>9}{'turns':>7}{'unanswered':>12}{'response p50':>14}"
        f"{'p95':>6}{'barge-in p50':>14}{'p95':>6}{'underruns':>11}{'stolen s':>10}{'late p99':>10}"
    ]
    for number, one in enumerate(report.rounds, 1):
        for side, run in one.runs.items():
            response, barge = run.response_ms, run.barge_in_ms
            lines.append(
                f"{number:>6}  {called(side):<16}{run.core_per_call:>10.5f}{run.mb_per_call:>9.2f}{response.count:>7}"
                f"{run.unanswered:>12}{ms(response.p50):>14}{ms(response.p95):>6}{ms(barge.p50):>14}{ms(barge.p95):>6}"
                f"{run.underruns:>11}{run.stolen_s:>10.2f}{run.late_p99_ms:>10.1f}"
            )
        lines += [f"{'':>6}  VOID: {reason}" for reason in one.void]
    for profile, ratio in report.ratio_core_per_call.items():
        if profile in sides(report):
            by_round = ", ".join(f"{one:.1f}" for one in ratios(report, profile))
            said = "unknown: no round counts" if ratio is None else f"{ratio:.1f} times ours (by round: {by_round})"
            lines.append(f"core per call of {called(profile)}, {report.calls} calls: {said}")
    return "\n".join(lines)


def called(side: str) -> str:
    return "Sales OS" if side == OURS else f"pipecat {side}"
