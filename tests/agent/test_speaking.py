"""Answers on their way to the room, with models and voices that fail; on a virtual clock."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pytest

from agent import report
from agent.apology import SWITCHED_OFF
from agent.handing_over import HandOver
from agent.llm.port import (
    Ahead,
    Delta,
    EventName,
    Failure,
    Late,
    Message,
    ModelUnavailable,
    Request,
    Role,
    Text,
    Tool,
    ToolCall,
)
from agent.reply import Reply, Waterfall
from agent.saying import CLAUSE_PAUSE_MS, PAUSE_MS, SpeakingFailed
from agent.speaking import produce
from agent.stock_phrases import StockPhrases, stock_phrases
from agent.tools.toolbox import Toolbox
from agent.tts.port import Speech, SpeechUnavailable, SpokenWord
from events.call import Outcome
from media.frame import RATE_HZ, SAMPLES_PER_MS
from tests.virtual_clock import run_virtual

PHRASES: Final = stock_phrases()
ASKED: Final = (Message(Role.ASSISTANT, "Hello."), Message(Role.USER, "well?"))
WORD_MS: Final = 100
AWAY: Final = ModelUnavailable("away")


@dataclass
class Model:
    """Plays deltas; a number waits. One list for each request, the last one for all that follow."""

    plays: list[list[Delta | float | Exception]]
    requests: list[Request] = field(default_factory=list)

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.requests.append(request)
        for step in self.plays[min(len(self.requests), len(self.plays)) - 1]:
            if isinstance(step, float):
                await asyncio.sleep(step)
            elif isinstance(step, Exception):
                raise step
            else:
                yield step


@dataclass
class SteadyVoice:
    """A tenth of a second for each word."""

    away: bool = False

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        if self.away:
            raise SpeechUnavailable("away")
        for number, word in enumerate(text.split()):
            pcm = np.zeros(WORD_MS * SAMPLES_PER_MS, dtype=np.int16).tobytes()
            start_ms = number * WORD_MS
            yield Speech(pcm, RATE_HZ, (SpokenWord(word, start_ms, start_ms + WORD_MS),))


@dataclass
class Means:
    model: Model
    voice: SteadyVoice = field(default_factory=SteadyVoice)
    variables: dict[str, str] = field(default_factory=dict)
    instructions: str = ""
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None
    max_tokens: int = 1000
    prompt_version: str = ""
    toolbox: Toolbox | None = None
    phrases: StockPhrases = PHRASES
    ahead: Ahead | None = None
    hand_over: HandOver | None = None


@dataclass
class Asked:
    """What was said, where nothing is to be done."""

    messages: tuple[Message, ...]

    def tools_began(self, calls: Sequence[ToolCall]) -> None:
        raise AssertionError

    def tool_ended(self, call_id: str, result: str) -> None:
        raise AssertionError


class Room:
    def __init__(self) -> None:
        self.reply_ms = 0
        self.unsent_ms = 0
        self.paused = False
        self.heard_ms = 0
        self.complete = False

    @property
    def now(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    def begin_reply(self) -> None:
        self.reply_ms = 0

    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = (), *, leveled: bool = True) -> None:
        self.reply_ms += len(ulaw) // SAMPLES_PER_MS

    def take_back(self, to_ms: int) -> None:
        self.reply_ms = min(self.reply_ms, to_ms)

    def complete_reply(self) -> None:
        self.complete = True


def answer(
    *plays: list[Delta | float | Exception],
    messages: tuple[Message, ...] = ASKED,
    failed: str = "",
    away: bool = False,
    hand_over: HandOver | None = None,
) -> tuple[Reply, Room, Model]:
    reply, room, model = Reply(1, Waterfall(), failed=failed), Room(), Model(list(plays))
    means = Means(model, SteadyVoice(away), hand_over=hand_over)
    run_virtual(produce(reply, Asked(messages), means, room, lambda: None))
    return reply, room, model


def test_sentences_are_spoken_as_they_become_whole() -> None:
    reply, room, _ = answer([Text("I can call "), Text("you. When"), Text(" suits you?")])
    assert reply.sentences == ["I can call you.", "When suits you?"]
    assert room.complete
    assert reply.heard_text(10_000) == "I can call you. When suits you?"


def test_a_sentence_that_takes_time_is_begun_with_its_first_clause() -> None:
    tokens = ["That", " makes", " sense,", " and", " so, too,", " is this. Next,", " the price,", " is low."]
    steps: list[Delta | float | Exception] = [step for token in tokens for step in (0.01, Text(token))]
    reply, room, _ = answer(steps)
    assert reply.sentences == ["That makes sense,", "and so, too, is this.", "Next, the price, is low."]
    assert reply.waterfall.first_audio_ms == 30  # and not 60, when the sentence is whole
    assert room.reply_ms == 13 * WORD_MS + CLAUSE_PAUSE_MS + PAUSE_MS


def test_a_sentence_that_comes_at_once_is_said_whole() -> None:
    reply, _, _ = answer([Text("That makes "), Text("sense, and "), Text("so is this. "), 0.1, Text("Or, well, not")])
    assert reply.sentences == ["That makes sense, and so is this.", "Or, well, not"]


def test_a_late_answer_is_bridged() -> None:
    reply, _, _ = answer([0.6, Late(), 0.9, Text("Three o'clock.")])
    assert reply.sentences == [PHRASES.one_moment, "Three o'clock."]
    assert reply.waterfall.first_token_ms == 1500
    assert reply.waterfall.first_audio_ms == 600


def test_a_late_greeting_is_bridged_with_a_hello() -> None:
    opening = (Message(Role.EVENT, EventName.ANSWERED),)
    reply, _, _ = answer([Late(), 0.2, Text("This is Alex.")], messages=opening)
    assert reply.sentences == [PHRASES.hello, "This is Alex."]


def test_a_late_message_to_a_machine_is_not() -> None:
    beep = (*ASKED, Message(Role.EVENT, EventName.MESSAGE_BEEP))
    reply, _, _ = answer([Late(), Text("This is Alex.")], messages=beep)
    assert reply.sentences == ["This is Alex."]


@pytest.mark.parametrize(
    ("failure", "phrase"), [(Failure.EXHAUSTED, PHRASES.sorry), (Failure.SWITCHED_OFF, PHRASES.closing)]
)
def test_no_model_s_answer_is_an_apology_and_the_end(failure: Failure, phrase: str) -> None:
    reply, room, model = answer([ModelUnavailable("away", failure)])
    assert reply.text == phrase
    assert report.decided_outcome(reply) is Outcome.SERVICE_FAILURE
    assert room.complete
    assert len(model.requests) == 1


def test_what_was_said_before_the_models_failed_stays_and_is_followed_by_the_apology() -> None:
    reply, _, _ = answer([Text("I can call you. But then I"), AWAY])
    assert reply.sentences == ["I can call you.", PHRASES.sorry]


def test_a_failure_behind_the_goodbye_changes_nothing() -> None:
    reply, _, _ = answer([Text("Goodbye. "), ToolCall("a", "end_call", {"outcome": "not_interested"}), AWAY])
    assert reply.text == "Goodbye."
    assert (reply.failed, report.decided_outcome(reply)) == ("", Outcome.NOT_INTERESTED)


def test_an_answer_that_cannot_be_asked_for_is_the_apology_alone() -> None:
    reply, _, model = answer([Text("Hello.")], failed="speech_unavailable")
    assert reply.text == PHRASES.sorry
    assert model.requests == []


def test_a_tool_without_words_is_followed_by_words_even_behind_one_moment() -> None:
    note = ToolCall("a", "note_fact", {"kind": "note"})
    reply, _, model = answer([Late(), 0.2, note], [Text("Noted.")])
    assert reply.sentences == [PHRASES.one_moment, "Noted."]
    assert model.requests[1].called == (note,)


def test_a_voice_that_is_away_fails_the_answer() -> None:
    with pytest.raises(SpeakingFailed, match="speech_unavailable"):
        answer([Text("Hello.")], away=True)


async def granted() -> bool:
    return True


OFF: Final = ModelUnavailable("off", Failure.SWITCHED_OFF)


def test_with_the_models_stopped_a_person_takes_the_caller() -> None:
    reply, _, _ = answer([OFF], hand_over=granted)
    assert reply.text == f"{PHRASES.one_moment} {PHRASES.handing_over}"
    assert (report.decided_outcome(reply), reply.failed) == (Outcome.TRANSFERRED, SWITCHED_OFF)
    assert report.Facts(lambda _: None).new_in(reply) == [], "nobody has to call back"


def test_an_outage_is_no_reason_to_hand_callers_over() -> None:
    reply, _, _ = answer([AWAY], hand_over=granted)
    assert reply.text == PHRASES.sorry
    assert report.decided_outcome(reply) is Outcome.SERVICE_FAILURE
