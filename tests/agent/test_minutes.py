"""What is kept for the model and told to others, of both sides' turns."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace

import pytest

from agent.llm.port import Delta, EventName, Request, Role, ToolCall
from agent.minutes import Minutes
from agent.reply import Reply, Waterfall
from agent.turns import timing
from bench.fakes import instant_minds
from bench.sim.loop import SimLoop
from events import call as events
from media.activity.detector import VoiceEnded


class Follower:
    """Somebody who follows the call."""

    def __init__(self) -> None:
        self.told: list[events.Body] = []
        self.floor: list[bool] = []
        self.disclosed_ms: list[int] = []

    def emit(self, body: events.Body) -> None:
        self.told.append(body)

    def on_floor(self, *, speaking: bool) -> None:
        self.floor.append(speaking)

    def on_disclosed(self, at_ms: int) -> None:
        self.disclosed_ms.append(at_ms)

    def on_answerer(self, answered_by: events.AnsweredBy, detail: str) -> None:
        raise AssertionError("nobody asked who answers")


def turns(follower: Follower) -> list[tuple[int, events.Speaker, str]]:
    return [
        (body.turn, body.speaker, body.heard_text) for body in follower.told if isinstance(body, events.TurnFinished)
    ]


def reply(turn: int, *sentences: str) -> Reply:
    made = Reply(turn, Waterfall(1_500, played_ms=2_000))
    made.sentences += sentences
    return made


SAID = VoiceEnded(1_000, 1_500, 1_900)


def test_both_sides_turns_are_numbered_remembered_and_told_as_heard() -> None:
    follower = Follower()
    minutes = Minutes(follower)
    minutes.caller_said("Who is this?", SAID)
    answer = reply(minutes.answer_asked(None), "This is Alex.", "I am calling about power.")
    minutes.answer_begins(asked=True)
    minutes.interrupted(answer, 3_000, 3_120)
    minutes.agent_said(answer, "This is Alex.", 3_120)
    minutes.caller_said("Stop.", SAID)
    whole = reply(minutes.answer_asked(None), "Goodbye.")
    minutes.answer_begins(asked=True)
    minutes.agent_said(whole, "Goodbye.", 6_000)
    assert turns(follower) == [
        (1, events.Speaker.CALLER, "Who is this?"),
        (2, events.Speaker.AGENT, "This is Alex."),
        (3, events.Speaker.CALLER, "Stop."),
        (4, events.Speaker.AGENT, "Goodbye."),
    ]
    assert events.BargedIn(2, 3_000, 120) in follower.told
    assert follower.floor == [True, False, True, False]
    assert follower.disclosed_ms == [6_000]  # only what was heard to its end discloses anything
    assert [(message.role, message.text, message.cut_short) for message in minutes.memory.messages] == [
        (Role.USER, "Who is this?", False),
        (Role.ASSISTANT, "This is Alex.", True),
        (Role.USER, "Stop.", False),
        (Role.ASSISTANT, "Goodbye.", False),
    ]


def test_an_answer_that_nobody_heard_leaves_neither_number_nor_trace() -> None:
    minutes = Minutes(Follower())
    minutes.caller_said("Hello?", SAID)
    assert minutes.answer_asked(EventName.ANSWERED) == 2
    minutes.answer_taken_back()
    assert [message.text for message in minutes.memory.messages] == []
    minutes.caller_said("Who is it?", SAID)
    assert minutes.answer_asked(EventName.ANSWERED) == 3
    assert minutes.memory.messages[0].text == "Hello? Who is it?"


def test_the_voice_may_stop_before_the_caller_counts_as_speaking() -> None:
    follower = Follower()
    Minutes(follower).interrupted(reply(2, "Yes."), 3_000, 2_990)
    assert follower.told == [events.BargedIn(2, 3_000, 0)]


@dataclass
class Model:
    """Concludes from whatever it is told, after a while."""

    outcome: str
    takes_s: float = 0.0
    asked: list[Request] = field(default_factory=list)

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.asked.append(request)
        await asyncio.sleep(self.takes_s)
        yield ToolCall("1", "note_fact", {"kind": "opted_out"} if self.outcome == "opted_out" else {"kind": "note"})
        yield ToolCall("2", "end_call", {"outcome": self.outcome})


async def parted(model: Model, text: str) -> tuple[tuple[events.Outcome | None, str], Follower]:
    follower = Follower()
    minutes = Minutes(follower)
    minutes.caller_said(text, SAID)
    minds = replace(instant_minds(), model=model, backchannels=frozenset({"okay"}))
    return await minutes.parted(events.Outcome.GOAL_REACHED, "", minds), follower


async def test_who_wants_no_more_calls_is_heard_after_the_goodbye() -> None:
    ending, follower = await parted(Model("opted_out"), "and take me off your list")
    assert ending == (events.Outcome.OPTED_OUT, "")
    assert events.FactNoted(events.FactKind.OPTED_OUT, "", "") in follower.told


@pytest.mark.parametrize("concluded", ["hung_up", "not_interested", "goal_reached"])
async def test_nothing_else_that_is_said_to_a_goodbye_changes_how_the_call_ended(concluded: str) -> None:
    ending, _ = await parted(Model(concluded), "thank you goodbye")
    assert ending == (events.Outcome.GOAL_REACHED, "")


async def test_assent_to_a_goodbye_is_not_thought_about() -> None:
    model = Model("opted_out")
    ending, _ = await parted(model, "okay")
    assert (ending, model.asked) == ((events.Outcome.GOAL_REACHED, ""), [])


def test_a_model_that_says_nothing_does_not_keep_the_line_open() -> None:
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        began_s = runner.get_loop().time()
        ending, _ = runner.run(parted(Model("opted_out", takes_s=7.0), "thank you goodbye"))
        assert runner.get_loop().time() - began_s == pytest.approx(timing.CONCLUDED_S)
    assert ending == (events.Outcome.GOAL_REACHED, "")


def test_what_is_said_to_a_machine_discloses_nothing() -> None:
    follower = Follower()
    minutes = Minutes(follower)
    for event in (EventName.SCREENING, EventName.MENU, EventName.MESSAGE_BEEP):
        answer = reply(minutes.answer_asked(event), "This is Alex.")
        minutes.agent_said(answer, "This is Alex.", 3_000)
    pressed = reply(minutes.answer_asked(None))
    minutes.agent_said(pressed, "", 4_000)
    assert follower.disclosed_ms == []
    opening = reply(minutes.answer_asked(EventName.ANSWERED), "Hello.")
    minutes.agent_said(opening, "Hello.", 5_000)
    assert follower.disclosed_ms == [5_000]


def test_an_answer_may_begin_before_it_is_known_what_it_answers() -> None:
    """Its turn comes behind the caller's all the same, and what had been waiting for an answer is answered with it."""
    follower = Follower()
    minutes = Minutes(follower)
    minutes.caller_said("Wait.", SAID)
    minutes.answer_asked(None)
    minutes.answer_taken_back()
    made = reply(minutes.answer_ahead(), "One moment.")
    minutes.answer_begins(asked=False)
    assert minutes.memory.unanswered == "Wait."
    made.turn = minutes.asked_at_last(None, "Who is this?", SAID)
    made.sentences.append("This is Alex.")
    minutes.agent_said(made, made.text, 4_000)
    assert turns(follower)[1:] == [
        (2, events.Speaker.CALLER, "Who is this?"),
        (3, events.Speaker.AGENT, "One moment. This is Alex."),
    ]
    assert [(message.role, message.text) for message in minutes.memory.messages] == [
        (Role.USER, "Wait. Who is this?"),
        (Role.ASSISTANT, "One moment. This is Alex."),
    ]


def test_an_answer_that_began_for_nothing_says_that_nothing_was_understood() -> None:
    minutes = Minutes(Follower())
    minutes.answer_ahead()
    minutes.answer_begins(asked=False)
    assert minutes.asked_at_last(None, "", SAID) == 1
    assert [(message.role, message.text) for message in minutes.memory.messages] == [
        (Role.EVENT, EventName.NOT_UNDERSTOOD)
    ]


def test_an_answer_that_began_unheard_leaves_its_number() -> None:
    minutes = Minutes(Follower())
    minutes.answer_ahead()
    minutes.answer_taken_back()
    minutes.caller_said("Hello?", SAID)
    assert minutes.answer_asked(EventName.ANSWERED) == 2
