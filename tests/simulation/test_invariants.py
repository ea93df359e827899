"""The invariants themselves: a good call breaks none, and a call that is doctored breaks the one that is meant."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from agent.llm.port import EventName, Message, Role
from bench.sim.invariants import DEAD_AIR_MS, INVARIANTS, broken, unfinished_ms
from bench.sim.record import Asked, PlayedWord, Record, Sound, SoundKind, Span
from bench.sim.run import quiet
from bench.sim.scenario import draw
from bench.sim.world import simulate
from events import call as events

Doctor = Callable[[Record], None]


@cache
def _recorded() -> Record:
    quiet()
    with TemporaryDirectory() as folder:
        return simulate(draw(1, ["eager"], []), Path(folder))


def _good() -> Record:
    """A record of a good call, free to be altered."""
    good = _recorded()
    return replace(
        good,
        said=list(good.said),
        played=list(good.played),
        agent_sound=list(good.agent_sound),
        events=list(good.events),
        arrived=list(good.arrived),
        asked=list(good.asked),
        aside=[],
        money=replace(good.money, accounts=dict(good.money.accounts), metered=list(good.money.metered)),
        left_over=[],
        loop_faults=[],
        journals_left=[],
    )


def _swap_events(record: Record) -> None:
    record.events[3], record.events[4] = record.events[4], record.events[3]


def _lose_event(record: Record) -> None:
    record.arrived.append((1, len(record.events) + 5))


def _without(kind: type[events.Body]) -> Doctor:
    def doctor(record: Record) -> None:
        record.events[:] = [event for event in record.events if not isinstance(event.body, kind)]

    return doctor


def _say(number: int, **changes: object) -> Doctor:
    """Alter the `number`th turn as it was told."""

    def doctor(record: Record) -> None:
        places = [i for i, event in enumerate(record.events) if isinstance(event.body, events.TurnFinished)]
        place = places[number]
        body = msgspec.structs.replace(record.events[place].body, **changes)
        record.events[place] = msgspec.structs.replace(record.events[place], body=body)

    return doctor


def _finish(**changes: object) -> Doctor:
    def doctor(record: Record) -> None:
        for place, event in enumerate(record.events):
            if isinstance(event.body, events.Finished):
                record.events[place] = msgspec.structs.replace(
                    event, body=msgspec.structs.replace(event.body, **changes)
                )

    return doctor


def _charge(amount: int) -> Doctor:
    def doctor(record: Record) -> None:
        record.money.charged += amount

    return doctor


def _lose_money(record: Record) -> None:
    record.money.accounts["revenue"] -= 1


def _meter_too_much(record: Record) -> None:
    record.money.metered.append(10_000)


def _leave_task(record: Record) -> None:
    record.left_over.append("conversation.reply")


def _answer_twice(record: Record) -> None:
    messages = record.asked[-1].messages
    record.asked.append(Asked(0, (*messages, Message(Role.ASSISTANT, "once"), Message(Role.ASSISTANT, "twice"))))


def _answer_never(record: Record) -> None:
    messages = tuple(message for message in record.asked[-1].messages if message.role is not Role.ASSISTANT)
    record.asked.append(Asked(0, messages))


def _remember_more(record: Record) -> None:
    messages = record.asked[-1].messages
    record.asked.append(Asked(0, (*messages, Message(Role.ASSISTANT, "What nobody heard."))))


def _hear_less(record: Record) -> None:
    del record.played[3]


def _hear_more(record: Record) -> None:
    record.played.append(PlayedWord("sorry", 300, 300, record.played[-1].first_ms + 1))


def _talk_over(record: Record) -> None:
    span = record.agent_sound[1]
    record.said.append(Sound(SoundKind.SPEECH, "wait", span.start_ms, span.start_ms + 900))


def _fall_silent(record: Record) -> None:
    last = record.said[1]
    record.agent_sound[:] = [span for span in record.agent_sound if span.end_ms < last.start_ms]


def _fall_silent_for_a_moment(record: Record) -> None:
    """Nothing but one answer is late, by a tenth of a second beyond what anybody may wait."""
    asked = record.said[1]
    after = next(span.start_ms for span in record.agent_sound if span.start_ms > asked.end_ms)
    _postpone(record, after - 1, asked.end_ms + DEAD_AIR_MS + 100 - after)


def _tear_a_hole(record: Record) -> None:
    """An answer breaks off for more than two seconds and goes on."""
    word = next(one for one in record.played if one.first_ms > record.agent_sound[1].start_ms + 300)
    _postpone(record, word.first_ms - 1, DEAD_AIR_MS + 200)


def _postpone(record: Record, from_ms: float, by_ms: float) -> None:
    """Move all that sounds from a moment on, and the call's end."""
    assert record.over_ms is not None

    def later(at_ms: float) -> float:
        return at_ms + by_ms if at_ms >= from_ms else at_ms

    spans = []
    for span in record.agent_sound:
        if span.start_ms < from_ms < span.end_ms:
            spans += [Span(span.start_ms, from_ms), Span(from_ms + by_ms, span.end_ms + by_ms)]
        else:
            spans.append(Span(later(span.start_ms), later(span.end_ms)))
    record.agent_sound[:] = spans
    record.played[:] = [replace(one, first_ms=later(one.first_ms)) for one in record.played]
    record.said[:] = [replace(one, start_ms=later(one.start_ms), end_ms=later(one.end_ms)) for one in record.said]
    record.over_ms += by_ms
    record.run_ms += by_ms


def _leave_the_line_open(record: Record) -> None:
    record.line_left_open = True


def _leave_a_journal(record: Record) -> None:
    record.journals_left.append("an-organisation.a-call.journal")


def _talk_a_little_longer(record: Record) -> None:
    assert record.carrier_over_ms is not None
    record.carrier_over_ms -= 1_800


def _talk_longer(record: Record) -> None:
    assert record.carrier_over_ms is not None
    record.carrier_over_ms -= 20_000


def _talk_on_aside(record: Record) -> None:
    record.aside.append(record.agent_sound[1])


def _ask_aside(record: Record) -> None:
    at_ms = record.asked[1].at_ms
    record.aside.append(Span(at_ms - 200, at_ms + 200))


def _share_the_word(record: Record) -> None:
    record.shared_word = True


def _tell_what_no_colleague_said(record: Record) -> None:
    note = Message(Role.NOTE, "Maria: something that nobody said")
    record.asked[-1] = replace(record.asked[-1], messages=(note, *record.asked[-1].messages))


def _forget_a_colleague(record: Record) -> None:
    spoken = record.turns()[1]
    rep = msgspec.structs.replace(spoken, speaker=events.Speaker.REP, text="nobody was told of this")
    passed = events.WordPassed("agent", "p1", "Maria", record.events[0].org_id)
    record.events += [msgspec.structs.replace(record.events[-1], body=body) for body in (rep, passed)]
    back = Message(Role.EVENT, EventName.HANDED_BACK)
    record.asked[-1] = replace(record.asked[-1], messages=(*record.asked[-1].messages, back))


def _hold_without_music(record: Record) -> None:
    at_ms = record.agent_sound[0].start_ms
    record.holds = [Span(at_ms, at_ms + 5_000)]


def _whisper_in_vain(record: Record) -> None:
    record.whispers = [(record.asked[0].at_ms, "ask who decides")]


CASES: list[tuple[str, Doctor]] = [
    ("events once and in order", _swap_events),
    ("events once and in order", _lose_event),
    ("a terminal state", _without(events.Closed)),
    ("a terminal state", _without(events.Finished)),
    ("a terminal state", _finish(reason="internal_error")),
    ("nothing left behind", _leave_task),
    ("the ledger adds up", _charge(1)),
    ("the ledger adds up", _lose_money),
    ("the ledger adds up", _meter_too_much),
    ("billed what was talked", _finish(duration_s=1.5)),
    ("billed what was talked", _talk_longer),
    ("billed what was talked", _talk_a_little_longer),
    ("no call left on the line", _leave_the_line_open),
    ("no journal left", _leave_a_journal),
    ("one answer each", _answer_twice),
    ("one answer each", _answer_never),
    ("remembered is heard", _remember_more),
    ("remembered is heard", _hear_less),
    ("remembered is heard", _hear_more),
    ("remembered is heard", _say(1, heard_text="Something else.")),
    ("silent aside", _talk_on_aside),
    ("silent aside", _ask_aside),
    ("silent aside", _share_the_word),
    ("told afterwards", _tell_what_no_colleague_said),
    ("told afterwards", _forget_a_colleague),
    ("nobody is left alone", _hold_without_music),
    ("whispers stay whispers", _whisper_in_vain),
    ("taken down once", _say(2, text="Yes, sure. Yes, sure.")),
    ("every word taken down", _say(2, text="Yes.")),
    ("every word taken down", _say(-2, text="Yes.")),
    ("no talk-over", _talk_over),
    ("no dead air", _fall_silent),
    ("no dead air", _fall_silent_for_a_moment),
    ("no dead air", _tear_a_hole),
]


def test_a_good_call_breaks_none() -> None:
    assert broken(_good()) == []


@pytest.mark.parametrize(("name", "doctor"), CASES)
def test_a_doctored_call_breaks_it(name: str, doctor: Doctor) -> None:
    record = _good()
    doctor(record)
    assert name in {one.name for one in broken(record)}


def test_each_invariant_is_seen_broken() -> None:
    assert {name for name, _ in CASES} == set(INVARIANTS)


@pytest.mark.parametrize("text", ["Yes, I do.", "Next monday in the morning at nine.", "Corner shop, hello.", "Hello?"])
def test_a_sentence_that_is_finished_is_owed_an_answer_in_two_seconds(text: str) -> None:
    assert unfinished_ms(text) == 0


@pytest.mark.parametrize("text", ["Well, it depends, because", "Let me see, um,", "five five five"])
def test_a_sentence_that_breaks_off_may_be_waited_for(text: str) -> None:
    assert 0 < unfinished_ms(text) <= 1_300


def test_times_of_events_are_the_simulation_s() -> None:
    assert all(event.at < datetime.fromisoformat("2026-01-06T00:00:00+00:00") for event in _recorded().events)
