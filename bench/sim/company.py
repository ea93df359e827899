"""What must hold of simulated calls with colleagues: nobody is left alone, and whispers stay whispers. Sans-I/O."""

from collections.abc import Iterable, Iterator
from typing import Final

from agent.stock_phrases import ENGLISH
from bench.sim.record import Record, Span, Wait
from events import call as events
from telephony.call.people import LOST_S, MUSIC_S, PATIENCE_S

_STARTS_MS: Final = 500.0  # a signal's way, the next tick, the line
_PHRASE_MS: Final = 3_000.0  # the phrase itself, and a voice that takes its time
_BACK_MS: Final = 6_000.0  # the agent's own: what happened is summed up, and the model asked
_WHISPER_KNOWN_MS: Final = 60.0
_SHARE: Final = 0.8  # of a time with music; ticks and packets have their own steps


def patience(record: Record) -> list[Span]:
    """Return when the agent may ask for patience though it is aside."""
    return [
        Span(wait.start_ms + PATIENCE_S * 1_000, wait.start_ms + PATIENCE_S * 1_000 + _PHRASE_MS)
        for wait in record.waits
    ]


def is_patience(turn: events.TurnFinished, record: Record) -> bool:
    """Tell whether that is the phrase, which is no answer: the model's memory has it as an account."""
    at_ms = turn.started_ms + record.timeline_ms + _STARTS_MS / 2
    asked = any(span.start_ms < at_ms < span.end_ms for span in patience(record))
    return asked and turn.text == ENGLISH.one_moment and turn.response_ms is None


def nobody_is_left_alone(record: Record) -> Iterator[str]:
    """Who waits for somebody lost is asked for patience, hears music, and has the agent after LOST_S. Hold is music."""
    for hold in record.holds:
        yield from _music_missing(record, Span(hold.start_ms + _STARTS_MS, hold.end_ms))
    for wait in record.waits:
        until_ms = min([wait.end_ms, *_ends(record)])
        yield from _music_missing(record, Span(wait.start_ms + MUSIC_S * 1_000 + _STARTS_MS, until_ms))
        yield from _patience_missing(record, wait, until_ms)
        lasted_s = (wait.end_ms - wait.start_ms) / 1_000
        if lasted_s > LOST_S + 0.1:
            yield f"waited for {lasted_s:.1f} s"
        if wait.gone and lasted_s >= LOST_S:
            yield from _agent_missing(record, wait.end_ms)
    allowed = [*record.holds, *(Span(wait.start_ms + MUSIC_S * 1_000, wait.end_ms) for wait in record.waits)]
    for music in record.music:
        if music.end_ms - music.start_ms - _overlap(music, allowed) > _STARTS_MS:
            yield f"music from {music.start_ms:.0f} to {music.end_ms:.0f}, and nobody is waited for"


def whispers_are_heard_by_the_agent_alone(record: Record) -> Iterator[str]:
    for at_ms, text in record.whispers:
        after = next((asked for asked in record.asked if asked.at_ms > at_ms + _WHISPER_KNOWN_MS), None)
        if after is not None and not any(text in message.text for message in after.messages):
            yield f"the model was not told {text!r} at {after.at_ms:.0f}"
        if any(text in turn.text for turn in record.turns()):
            yield f"{text!r} stands in the transcript"


def _music_missing(record: Record, span: Span) -> Iterator[str]:
    span = Span(span.start_ms, min([span.end_ms, *_ends(record)]))
    length_ms = span.end_ms - span.start_ms
    if length_ms > _STARTS_MS and _overlap(span, record.music) < length_ms * _SHARE - _STARTS_MS:
        yield f"{_overlap(span, record.music):.0f} ms of music from {span.start_ms:.0f} to {span.end_ms:.0f}"


def _patience_missing(record: Record, wait: Wait, until_ms: float) -> Iterator[str]:
    # A voice that fails leaves it at the music, and who is speaking is not spoken over.
    asked = Span(wait.start_ms + PATIENCE_S * 1_000, wait.start_ms + PATIENCE_S * 1_000 + _PHRASE_MS)
    speaks = any(one.start_ms < asked.end_ms and asked.start_ms - _STARTS_MS < one.end_ms for one in record.said)
    if asked.end_ms > until_ms or speaks or _voice_fails(record):
        return
    if not _overlap(asked, record.agent_sound):
        yield f"nobody asked for patience from {asked.start_ms:.0f} on"


def _agent_missing(record: Record, from_ms: float) -> Iterator[str]:
    back = Span(from_ms, from_ms + _BACK_MS)
    if back.end_ms > min([record.run_ms, *_ends(record)]) or len(record.faults) > 1 or record.is_machine:
        return
    if not _overlap(back, record.agent_sound) and not any(sound.end_ms > from_ms for sound in record.said):
        yield f"the agent does not take the call at {from_ms:.0f}"


def _voice_fails(record: Record) -> bool:
    return any(fault.startswith("voice_") for fault in record.faults)


def _ends(record: Record) -> list[float]:
    return [moment for moment in (record.over_ms, record.carrier_over_ms, record.wound_up_ms) if moment is not None]


def _overlap(span: Span, others: Iterable[Span]) -> float:
    return sum(max(0.0, min(span.end_ms, one.end_ms) - max(span.start_ms, one.start_ms)) for one in others)
