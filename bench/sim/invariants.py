"""What must hold of every simulated call, whatever fails in it. Sans-I/O: a record goes in, what is broken comes out.

The truth is the far end's: what the prospect said and heard. What the product tells is compared with it.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from agent.llm.port import EventName, Message, Role
from agent.opening import BEEP_WAIT_S
from agent.turns.ending import LONGEST_MS, SILENCE_MS, Evidence, wait_ms
from agent.turns.timing import OPENING_WAIT_S, SILENCE_S
from agent.turns.word_lists import lists_for
from agent.turns.wording import Words, read
from bench.sim import company
from bench.sim.record import PlayedWord, Record, Sound, SoundKind, Span
from events import call as events
from events.money import Millicredits, price_of_seconds

# A voice is noticed in 96 ms and a window, stops here, and the line's way there and back is in between.
BARGE_IN_MS: Final = 420.0
DEAD_AIR_MS: Final = 2_000.0
# The carrier's request to hang up, tried again while its API is away.
_HANGING_UP_MS: Final = 4_000.0
# How far the place of a cut may be known wrongly: the line's trip is learnt from marks.
CUT_MS: Final = 110.0
# Before the end: the longest wait for somebody who may go on, and the recogniser's time for the text.
_HEARD_OUT_MS: Final = LONGEST_MS + 1_000.0
_TURN_OFF_MS: Final = 300.0  # a turn's start as it was told, before its first word was heard; more than the line's way
_ASIDE_KNOWN_MS: Final = 60.0  # a signal on its way through two queues
_COLLEAGUE: Final = "Maria: "
_HEARD_SHARE: Final = 0.5  # as agent/reply.py counts a word as heard
_SECONDS_OFF: Final = 1.5  # the way of what tells us of the answer and of the end


@dataclass(frozen=True, slots=True)
class Broken:
    name: str
    detail: str


def broken(record: Record) -> list[Broken]:
    """Return every invariant that does not hold, with what was seen."""
    return [Broken(name, detail) for name, check in INVARIANTS.items() for detail in check(record)]


def _told_once_and_in_order(record: Record) -> Iterator[str]:
    sequence = [(event.epoch, event.seq) for event in record.events]
    if sequence != [(1, number) for number in range(1, len(sequence) + 1)]:
        yield f"events taken: {sequence}"
    if set(record.arrived) != set(sequence):
        yield f"arrived but not taken: {sorted(set(record.arrived) - set(sequence))}"


def _ended_well(record: Record) -> Iterator[str]:
    bodies = [event.body for event in record.events]
    ends = [body for body in bodies if isinstance(body, events.Finished)]
    states = [body for body in bodies if isinstance(body, events.StateChanged)]
    if record.unfinished:
        yield "the call never returned"
    if len(ends) != 1:
        yield f"{len(ends)} ends"
    elif ends[0].reason == "internal_error":
        yield "the call died of a fault of ours"
    if not states or states[-1].state not in events.TERMINAL:
        yield f"last state: {states[-1].state if states else 'none'}"
    if any(after.previous is not before.state for before, after in pairwise(states)):
        yield f"states do not follow each other: {[body.state.value for body in states]}"
    if not bodies or not isinstance(bodies[-1], events.Closed):
        yield "not closed by its last event"


def _nothing_left(record: Record) -> Iterator[str]:
    yield from (f"left over: {name}" for name in record.left_over)
    yield from (f"nobody took: {fault}" for fault in record.loop_faults)


def _money_adds_up(record: Record) -> Iterator[str]:
    money = record.money
    if sum(money.accounts.values()):
        yield f"accounts do not sum to zero: {money.accounts}"
    if money.went_negative:
        yield "an account would have gone below zero"
    ends = [event.body for event in record.events if isinstance(event.body, events.Finished)]
    if not ends:
        return
    end = ends[-1]
    owed = price_of_seconds(end.billable_s, Millicredits(money.per_minute))
    if money.settled != 1 or money.accounts.get("held"):
        yield f"settled {money.settled} times, {money.accounts.get('held')} still held"
    if money.charged != owed or money.accounts.get("revenue", 0) != owed:
        yield f"{money.charged} charged, {money.accounts.get('revenue')} earned, {owed} owed for {end.billable_s} s"
    if money.metered != sorted(money.metered) or any(one > end.billable_s for one in money.metered):
        yield f"metered {money.metered}, billed {end.billable_s}"
    if money.metered and price_of_seconds(money.metered[-1], Millicredits(money.per_minute)) > money.reserved:
        yield f"metered {money.metered[-1]} s beyond what was reserved ({money.reserved})"


def _billed_what_was_talked(record: Record) -> Iterator[str]:
    ends = [event.body for event in record.events if isinstance(event.body, events.Finished)]
    if not ends:
        return
    end = ends[-1]
    if end.billable_s != math.ceil(end.duration_s):
        yield f"{end.billable_s} s billed of {end.duration_s}"
    if record.answered_ms is None:
        if end.billable_s:
            yield f"{end.billable_s} s billed, and nobody answered"
        return
    over_ms = record.run_ms if record.carrier_over_ms is None else min(record.carrier_over_ms, record.run_ms)
    talked_s = (over_ms - record.answered_ms) / 1_000
    # Never more than there was but for the callback's way; less when we were told late.
    if end.duration_s > talked_s + _SECONDS_OFF or end.duration_s < talked_s - _SECONDS_OFF:
        yield f"{end.duration_s:.1f} s counted, {talked_s:.1f} s talked"


def _nothing_on_the_line(record: Record) -> Iterator[str]:
    """No call at the carrier outlives its session: it would be paid for, and nobody would be there."""
    if record.line_left_open:
        yield "the carrier still holds the call"


def _journal_forgotten(record: Record) -> Iterator[str]:
    """What the CRM has committed is on no disk any more."""
    yield from (f"journal left: {name}" for name in record.journals_left)


def _one_answer_each(record: Record) -> Iterator[str]:
    """The model's memory has one answer, or what was heard of it, behind each question."""
    for asked in record.asked:
        problem = _grammar(asked.messages)
        if problem:
            yield f"at {asked.at_ms:.0f}: {problem}"
            return
    spoken = [turn.text for turn in record.turns() if turn.speaker is events.Speaker.CALLER]
    told = [message.text for message in record.asked[-1].messages if message.role is Role.USER] if record.asked else []
    # What was said while a colleague had the word was not said to the agent.
    rest = iter(" ".join(spoken).split())
    in_order = all(any(one == word for one in rest) for word in " ".join(told).split())
    if not (in_order if record.aside else " ".join(spoken).startswith(" ".join(told))):
        yield f"the model was told {told}, the prospect said {spoken}"


def _grammar(messages: tuple[Message, ...]) -> str:
    previous: Message | None = None
    for message in messages:
        if message.role is Role.ASSISTANT and (previous is None or previous.role is Role.ASSISTANT):
            return f"two answers to one thing: {message.text!r} after {previous.text if previous else None!r}"
        if message.role is Role.USER and previous is not None and previous.role is Role.USER:
            return f"no answer between {previous.text!r} and {message.text!r}"
        previous = message
    return ""


def _silent_aside(record: Record) -> Iterator[str]:
    """While a colleague has the word the agent is not heard, and no model is asked for an answer."""
    if record.shared_word:
        yield "two had the word at once"
    for aside in record.aside:
        # What was being said when somebody was lost is cut before the first of these begins.
        heard = [span for span in record.agent_sound if not any(_meet(span, one) for one in company.patience(record))]
        heard_ms = sum(max(0.0, min(aside.end_ms, one.end_ms) - max(aside.start_ms, one.start_ms)) for one in heard)
        if heard_ms > BARGE_IN_MS:
            yield f"the agent is heard for {heard_ms:.0f} ms from {aside.start_ms:.0f} to {aside.end_ms:.0f}"
        ends = [moment for moment in (record.over_ms, record.carrier_over_ms, record.wound_up_ms) if moment is not None]
        until_ms = min([aside.end_ms, *ends])
        for asked in record.asked:
            if aside.start_ms + _ASIDE_KNOWN_MS < asked.at_ms < until_ms - _ASIDE_KNOWN_MS:
                yield f"the model is asked at {asked.at_ms:.0f}, between {aside.start_ms:.0f} and {aside.end_ms:.0f}"


def _told_afterwards(record: Record) -> Iterator[str]:
    """What a colleague said stands in the memory of the answer behind it, in its order, once."""
    said = [turn.text for turn in record.turns() if turn.speaker is events.Speaker.REP]
    for asked in record.asked:
        notes = "\n".join(message.text for message in asked.messages if message.role is Role.NOTE)
        told = [line.removeprefix(_COLLEAGUE) for line in notes.splitlines() if line.startswith(_COLLEAGUE)]
        if told != said[: len(told)]:
            yield f"the model was told {told}, the colleague said {said}"
            return
    last = record.asked[-1].messages if record.asked else ()
    handed_back = sum(message.text == EventName.HANDED_BACK for message in last)
    notes = "".join(message.text for message in last)
    for text in _said_before_hand_back(record, handed_back):
        if text not in notes:
            yield f"nobody told the model that the colleague said {text!r}"


def _said_before_hand_back(record: Record, number: int) -> Iterator[str]:
    """Yield what the colleague said before the word was given back for the time of that number."""
    said: list[str] = []
    backs = 0
    for event in record.events:
        body = event.body
        if isinstance(body, events.TurnFinished) and body.speaker is events.Speaker.REP:
            said.append(body.text)
        if isinstance(body, events.WordPassed) and body.to == "agent":
            backs += 1
            if backs == number:
                yield from said


def _memory_is_what_was_heard(record: Record) -> Iterator[str]:
    turns = [turn for turn in record.turns() if turn.speaker is events.Speaker.AGENT]
    answers = [turn.heard_text for turn in turns if not company.is_patience(turn, record)]
    for asked in record.asked:
        memory = [message.text for message in asked.messages if message.role is Role.ASSISTANT]
        if memory != answers[: len(memory)]:
            yield f"the model remembers {memory}, the transcript says {answers}"
            return
    told = [turn.heard_text for turn in turns]
    problem = _compare(" ".join(told).split(), record.played)
    if problem:
        yield problem


def _compare(told: list[str], played: list[PlayedWord]) -> str:
    """Return where the words that were told differ from those that were heard; a word at a cut may go either way."""
    places = {0}  # how many of the told words may have been met so far
    for word in sorted(played, key=lambda one: one.first_ms):
        off_ms = word.heard_ms - word.length_ms * _HEARD_SHARE
        if off_ms < -CUT_MS:
            continue
        met = {place + 1 for place in places if place < len(told) and told[place] == word.text}
        after = met if off_ms > CUT_MS else met | places
        if not after:
            near = max(places)
            heard = f"{word.text!r} ({word.heard_ms} of {word.length_ms} ms, at {word.first_ms:.0f})"
            return f"heard {heard}, told {told[max(0, near - 2) : near + 3]}"
        places = after
    return "" if len(told) in places else f"told, and not heard: {told[max(places) :]}"


def _heard_words_once(record: Record) -> Iterator[str]:
    """No word of the prospect's is taken down twice, and none that was not said."""
    said = [word for sound in _in_order(record) if sound.kind is not SoundKind.NOISE for word in sound.text.split()]
    told = [word for turn in record.turns() if turn.speaker is events.Speaker.CALLER for word in turn.text.split()]
    rest = iter(said)
    for word in told:
        if not any(one == word for one in rest):
            yield f"taken down: {told}; said: {said}"
            return


def _every_word_taken_down(record: Record) -> Iterator[str]:
    """What was said to somebody who listens is in the transcript, all of it.

    Not an utterance in which the line went, or was given up: of it there may be less.
    """
    if record.is_machine or record.stt_failed or record.stream_ms is None:
        return
    ends = [moment for moment in (record.run_ms, record.over_ms, record.wound_up_ms) if moment is not None]
    end_ms = min(ends) - _HEARD_OUT_MS
    said: list[Sound] = []
    whole_ms = math.inf
    for sound in reversed(_in_order(record)):
        whole_ms = whole_ms if sound.goes_on else sound.end_ms
        if sound.kind is SoundKind.SPEECH and whole_ms < end_ms:
            said.insert(0, sound)
    told = [word for turn in record.turns() if turn.speaker is events.Speaker.CALLER for word in turn.text.split()]
    rest = iter(told)
    for sound in said:
        lost = [word for word in sound.text.split() if not any(one == word for one in rest)]
        if lost:
            yield f"lost {lost} of {sound.text!r} at {sound.start_ms:.0f}"
            return


def _no_talk_over(record: Record) -> Iterator[str]:
    """Nobody is talked over for longer than it takes to notice; assent and noise are no taking of the floor."""
    if record.is_machine:
        return
    for sound in record.said:
        if sound.kind is not SoundKind.SPEECH:
            continue
        over_ms = sum(_overlap(sound, span) for span in record.agent_sound)
        if over_ms > BARGE_IN_MS:
            yield f"{over_ms:.0f} ms over {sound.text!r} at {sound.start_ms:.0f}"


def _no_dead_air(record: Record) -> Iterator[str]:
    """Who has spoken is answered in time, whoever fails, and no answer has a hole in it."""
    for gap in _silences(record):
        if any(span.start_ms < gap.at_ms + gap.length_ms and gap.at_ms < span.end_ms for span in record.aside):
            continue  # a colleague talks, whom nobody hears in the simulation
        allowed_ms = _silence_allowed(gap.who, gap.text, record) + (_HANGING_UP_MS if gap.next_who == "end" else 0.0)
        if gap.length_ms > allowed_ms:
            silence = f"{gap.length_ms:.0f} ms of silence after {gap.who} {gap.text!r} at {gap.at_ms:.0f}"
            yield f"{silence}, before {gap.next_who}"
    if not record.is_machine:
        yield from _holes(record)


def deliberate_waits(record: Record) -> int:
    """Count the silences above two seconds that are none of ours: somebody broke off in mid-sentence."""
    if record.is_machine:
        return 0
    return sum(
        gap.who == "speech" and gap.next_who == "agent" and gap.length_ms > DEAD_AIR_MS for gap in _silences(record)
    )


@dataclass(frozen=True, slots=True)
class _Gap:
    at_ms: float
    length_ms: float
    who: str  # was heard before it
    text: str
    next_who: str


def _silences(record: Record) -> Iterator[_Gap]:
    """Yield each silence of the call, and those of no length between sounds."""
    if record.stream_ms is None:
        return
    end_ms = min(record.run_ms, record.over_ms if record.over_ms is not None else record.run_ms)
    sounds = sorted(
        [(span.start_ms, span.end_ms, "agent", "") for span in record.agent_sound]
        + [(one.start_ms, one.end_ms, one.kind.value, one.text) for one in record.said]
    )
    at_ms, who, text = record.stream_ms, "opening", ""
    for start_ms, stop_ms, next_who, next_text in [*sounds, (end_ms, end_ms, "end", "")]:
        yield _Gap(at_ms, start_ms - at_ms, who, text, next_who)
        if stop_ms > at_ms:
            at_ms, who, text = stop_ms, next_who, next_text


def _silence_allowed(who: str, text: str, record: Record) -> float:
    if record.is_machine:
        return BEEP_WAIT_S * 1_000 + 2 * DEAD_AIR_MS
    match who:
        case "opening":
            return OPENING_WAIT_S * 1_000 + DEAD_AIR_MS
        case "speech":
            return DEAD_AIR_MS + unfinished_ms(text)
        case _:
            # It is the prospect's turn; a cough or a nod between does not change that.
            return SILENCE_S * 1_000 + DEAD_AIR_MS


def unfinished_ms(text: str) -> float:
    """Return how much longer than usual is waited for more of what was said: 0 unless it breaks off in mid-sentence."""
    words = read(text, lists_for("en-US"))
    if words not in (Words.OPEN, Words.DICTATING, Words.HESITATING):
        return 0.0
    return max(0, wait_ms(Evidence(words, 0.0, habit_ms=LONGEST_MS)) - SILENCE_MS)


def _holes(record: Record) -> Iterator[str]:
    """An answer has none above two seconds, unless the prospect makes a sound in it."""
    told = [turn for turn in record.turns() if turn.speaker is events.Speaker.AGENT]
    starts = [turn.started_ms + record.timeline_ms - _TURN_OFF_MS for turn in told] + [math.inf]
    played = sorted(record.played, key=lambda one: one.first_ms)
    for turn, (start_ms, end_ms) in zip(told, pairwise(starts), strict=True):
        for before, after in pairwise([word for word in played if start_ms <= word.first_ms < end_ms]):
            from_ms = before.first_ms + before.length_ms
            spoken = any(one.start_ms < after.first_ms and one.end_ms > from_ms - BARGE_IN_MS for one in record.said)
            if after.first_ms - from_ms > DEAD_AIR_MS and not spoken:
                yield f"{after.first_ms - from_ms:.0f} ms between {before.text!r} and {after.text!r} of {turn.text!r}"


def _in_order(record: Record) -> list[Sound]:
    return sorted(record.said, key=lambda one: one.start_ms)


def _meet(one: Span, other: Span) -> bool:
    return one.start_ms < other.end_ms and other.start_ms < one.end_ms


def _overlap(sound: Sound, span: Span) -> float:
    return max(0.0, min(sound.end_ms, span.end_ms) - max(sound.start_ms, span.start_ms))


INVARIANTS: Final[Mapping[str, Callable[[Record], Iterator[str]]]] = {
    "events once and in order": _told_once_and_in_order,
    "a terminal state": _ended_well,
    "nothing left behind": _nothing_left,
    "the ledger adds up": _money_adds_up,
    "billed what was talked": _billed_what_was_talked,
    "no call left on the line": _nothing_on_the_line,
    "no journal left": _journal_forgotten,
    "one answer each": _one_answer_each,
    "silent aside": _silent_aside,
    "told afterwards": _told_afterwards,
    "nobody is left alone": company.nobody_is_left_alone,
    "whispers stay whispers": company.whispers_are_heard_by_the_agent_alone,
    "remembered is heard": _memory_is_what_was_heard,
    "taken down once": _heard_words_once,
    "every word taken down": _every_word_taken_down,
    "no talk-over": _no_talk_over,
    "no dead air": _no_dead_air,
}
