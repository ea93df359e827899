"""What is kept for the model and told to others, of both sides' turns."""

from agent.llm.port import EventName, Role
from agent.minutes import Minutes
from agent.reply import Reply, Waterfall
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
    minutes.answer_begins()
    minutes.interrupted(answer, 3_000, 3_120)
    minutes.agent_said(answer, "This is Alex.", 3_120)
    minutes.caller_said("Stop.", SAID)
    whole = reply(minutes.answer_asked(None), "Goodbye.")
    minutes.answer_begins()
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
