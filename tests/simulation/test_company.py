"""The invariants of calls with colleagues: a doctored record breaks the one that is meant."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent.llm.port import Message, Role
from bench.sim import company
from bench.sim.record import Asked, Record, Span, Wait
from tests.simulation.test_invariants import _good

LOST_MS = 20_000.0
HELD = Span(100_000.0, 130_000.0)


def _lost() -> Record:
    """Somebody is lost for good at 20 s, and the prospect is held from 100 s to 130 s."""
    return Record(
        faults=("person_gone",),
        run_ms=200_000.0,
        holds=[HELD],
        waits=[Wait(LOST_MS, LOST_MS + 20_000, gone=True)],
        music=[Span(LOST_MS + 5_600, LOST_MS + 20_000), Span(HELD.start_ms + 50, HELD.end_ms)],
        agent_sound=[Span(LOST_MS + 2_600, LOST_MS + 3_800), Span(LOST_MS + 22_000, LOST_MS + 24_000)],
        whispers=[(50_000.0, "ask who decides")],
        asked=[Asked(51_000.0, (Message(Role.NOTE, "The supervisor says: ask who decides"),))],
    )


def _found(record: Record) -> list[str]:
    checks = company.nobody_is_left_alone, company.whispers_are_heard_by_the_agent_alone
    return [text for check in checks for text in check(record)]


def test_a_call_as_the_rule_has_it_breaks_nothing() -> None:
    assert _found(_lost()) == []
    assert _found(_good()) == []


DOCTORS: dict[str, tuple[Callable[[Record], object], str]] = {
    "no music while held": (lambda record: record.music.pop(), "0 ms of music from 100500"),
    "no music while waited for": (lambda record: record.music.pop(0), "0 ms of music from 26000"),
    "half the music": (
        lambda record: record.music.__setitem__(0, Span(LOST_MS + 5_600, LOST_MS + 12_000)),
        "ms of music",
    ),
    "music for nobody": (lambda record: record.music.append(Span(140_000.0, 150_000.0)), "nobody is waited for"),
    "no patience": (lambda record: record.agent_sound.pop(0), "nobody asked for patience from 22500"),
    "the agent stays away": (lambda record: record.agent_sound.pop(), "does not take the call at 40000"),
    "waited for too long": (
        lambda record: record.waits.__setitem__(0, replace(record.waits[0], end_ms=LOST_MS + 30_000)),
        "waited for 30.0 s",
    ),
    "a whisper that is lost": (
        lambda record: record.whispers.append((50_000.0, "be brief")),
        "was not told 'be brief'",
    ),
}


@pytest.mark.parametrize("name", DOCTORS)
def test_each_is_found(name: str) -> None:
    doctor, expected = DOCTORS[name]
    record = _lost()
    doctor(record)
    assert any(expected in text for text in _found(record)), _found(record)
