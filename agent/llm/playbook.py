"""The playbook: what the scripted model says, asks and understands. Types only, and the recogniser's phrases. Sans-I/O.

A playbook is written in YAML (`config/playbooks/`), checked by `agent.llm.playbook_file`, and travels to the voice
node in the call plan as plain data. docs/guides/playbooks.md explains the fields to the person who writes one.
"""

from enum import StrEnum
from typing import Annotated, Final

import msgspec

PHRASES_MAX: Final = 20_000  # an n-gram model of this many lines still builds in well under a second
# Against the thousand lines that spell out days and hours, once each.
INTENT_WEIGHT: Final = 3
OBJECTION_WEIGHT: Final = 6
BACKCHANNEL_WEIGHT: Final = 6

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]  # something to say; may name {variables}
Phrase = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]  # something that may be heard
Phrases = Annotated[tuple[Phrase, ...], msgspec.Meta(min_length=1)]
Weight = Annotated[int, msgspec.Meta(ge=1, le=20)]
Name = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]


class Intent(StrEnum):
    """What a caller may mean, apart from objections (which have names) and times."""

    YES = "yes"
    NO = "no"
    NOT_INTERESTED = "not_interested"
    OPT_OUT = "opt_out"
    BUSY = "busy"
    CALLBACK = "callback"
    HELLO = "hello"
    WHO_IS_THIS = "who_is_this"
    REPEAT = "repeat"
    WAIT = "wait"
    RESUME = "resume"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    MACHINE = "machine"


class IfNo(StrEnum):
    """What a plain "no" to a step's question leads to."""

    CALLBACK = "callback"  # offer to call again
    REFUSAL = "refusal"  # try once more, then say goodbye
    NEXT = "next"  # go on with the next step all the same


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A closed, immutable part of a playbook."""


class Opening(_Part, frozen=True):
    greeting: Line
    disclosure: Line  # said again until it has been heard to its end
    again: Line  # to a second "hello?"
    who: Line  # to "who is this?"


class Step(_Part, frozen=True):
    id: Name
    ask: Line
    ask_again: Line
    say: str = ""  # said before the question, the first time
    if_no: IfNo = IfNo.NEXT
    note: str = ""  # goes on the lead's record after a "yes"
    slot: str = ""  # "when" on the last step: the answer is a time


class WhenQuestions(_Part, frozen=True):
    ask_day: Line
    ask_time: Line


class Goal(_Part, frozen=True):
    confirm: Line
    goodbye: Line


class Callback(_Part, frozen=True):
    offer: Line
    offer_again: Line
    confirm: Line
    confirm_open: Line  # when no time was said
    goodbye: Line


class Refusal(_Part, frozen=True):
    answer: Line
    goodbye: Line
    objections_max: Annotated[int, msgspec.Meta(ge=0, le=5)] = 2  # answered; the next one ends the call


class OptOut(_Part, frozen=True):
    confirm: Line


class Goodbye(_Part, frozen=True):
    by_caller: Line
    time_up: Line
    last_word: Line


class Wait(_Part, frozen=True):
    answer: Line
    back: Line


class Silence(_Part, frozen=True):
    prompts: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=4)]
    goodbye: Line


class NotUnderstood(_Part, frozen=True):
    prompts: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=4)]
    offer: Line
    goodbye: Line


class Voicemail(_Part, frozen=True):
    message: Line


class Callers(_Part, frozen=True):
    """What is other for somebody who rang us."""

    greeting: Line
    ask: Line  # in place of the first step's question; `say` of that step is left out
    first_step: Name  # with which it begins


class Objection(_Part, frozen=True):
    name: Name
    phrases: Phrases
    answer: Line


class IntentPhrases(_Part, frozen=True):
    phrases: Phrases
    weight: Weight = 1  # how often this is said, compared with others; the recogniser expects it more


class Times(_Part, frozen=True):
    """The words from which days and times are made, so that the recogniser and `agent.llm.when` know the same."""

    days: Phrases
    weeks: Phrases
    parts: Phrases  # of a day
    hours: Phrases
    minutes: Phrases
    points: Phrases  # noon
    halves: Phrases  # a m, p m
    spans: Phrases  # in an hour
    lead_ins: Phrases  # how about


class Playbook(_Part, frozen=True):
    name: Name
    language: str
    opening: Opening
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=20)]
    when: WhenQuestions
    goal: Goal
    callback: Callback
    refusal: Refusal
    opt_out: OptOut
    goodbye: Goodbye
    wait: Wait
    silence: Silence
    not_understood: NotUnderstood
    voicemail: Voicemail
    backchannels: Phrases
    objections: tuple[Objection, ...]
    intents: dict[Intent, IntentPhrases]
    times: Times
    callers: Callers | None = None


def phrases(playbook: Playbook) -> tuple[str, ...]:
    """Return what a caller may say, as lines for an n-gram model.

    A line occurs as often as its intent weighs: the counts are the model's probabilities.
    """
    lines: list[str] = []
    for intent in playbook.intents.values():
        for phrase in intent.phrases:
            lines.extend([phrase] * (intent.weight * INTENT_WEIGHT))
    for objection in playbook.objections:
        for phrase in objection.phrases:
            lines.extend([phrase] * OBJECTION_WEIGHT)
    for backchannel in playbook.backchannels:
        lines.extend([backchannel] * BACKCHANNEL_WEIGHT)
    lines.extend(_time_lines(playbook.times))
    return tuple(lines)


def _time_lines(times: Times) -> list[str]:
    lines: list[str] = []
    for day in times.days:
        lines += [day, f"on {day}", f"call me back {day}", f"call me {day}", f"next {day}"]
        lines += [f"{day} {part}" for part in times.parts]
        lines += [f"{day} at {hour}" for hour in times.hours]
        lines += [f"{lead_in} {day}" for lead_in in times.lead_ins]
        lines += [f"{day} at half past {hour}" for hour in times.hours[:1]]
    for hour in times.hours:
        lines += [hour, f"at {hour}", f"at {hour} o'clock", f"call me back at {hour}", f"around {hour}"]
        lines += [f"half past {hour}", f"at half past {hour}", f"quarter past {hour}", f"quarter to {hour}"]
        lines += [f"at {hour} {minute}" for minute in times.minutes]
        lines += [f"at {hour} {half}" for half in times.halves]
        lines += [f"{lead_in} {hour}" for lead_in in times.lead_ins]
        lines += [f"at {hour} in the {part}" for part in times.parts]
    for part in times.parts:
        lines += [f"in the {part}", f"this {part}"]
    for point in times.points:
        lines += [f"at {point}", f"after {point}"]
    for span in (*times.spans, *times.weeks):
        lines += [span, f"call me back {span}", f"call me {span}"]
    return lines
