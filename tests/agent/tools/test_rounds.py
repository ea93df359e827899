"""Answers with tools in them, from the model's calls to what is said and remembered."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest

from agent.llm.port import Message, ModelUnavailable, Request, Role, ToolCall
from agent.memory import UNDER_WAY, Memory
from agent.reply import Reply, Waterfall
from agent.report import decided_outcome
from agent.stock_phrases import ENGLISH
from agent.tools import rounds
from agent.tools.port import DeskAway
from agent.tools.rounds import ROUNDS_MAX, use_silently, use_tools
from agent.tools.toolbox import Toolbox
from events import call as events
from events.tool import ToolAnswer, ToolName
from tests.agent.tools.desk import ScriptedDesk

EVERY = tuple(name.value for name in ToolName)
SLOT = {"starts_at": "2026-11-24T10:00"}
BOOK = ToolCall("x", "book_slot", SLOT)
LOOK = ToolCall("x", "look_up_lead", {})
END = ToolCall("x", "end_call", {"outcome": "goal_reached"})
NOTE = ToolCall("x", "note_fact", {"kind": "note", "text": "likes mornings"})

Said = str | ToolCall | ModelUnavailable


@dataclass
class Talk:
    """One answer being made: the model's further answers are given, what is said is kept."""

    answers: list[list[Said]]
    desk: ScriptedDesk = field(default_factory=ScriptedDesk)
    left_ms: int = 0

    def __post_init__(self) -> None:
        self.reply = Reply(1, Waterfall())
        self.memory = Memory()
        self.asked: list[Request] = []
        self.pressed: list[str] = []
        self.told: list[events.Body] = []
        self.box = Toolbox(self.desk, EVERY, self.told.append, asyncio.get_running_loop().time)

    async def ask(self, request: Request) -> bool:
        self.asked.append(request)
        before = len(self.reply.sentences)
        for said in self.answers.pop(0) if self.answers else ():
            match said:
                case str():
                    await self.say(said)
                case ToolCall():
                    self.reply.calls.append(said)
                case ModelUnavailable():
                    raise said
        return len(self.reply.sentences) > before

    async def say(self, sentence: str) -> None:
        self.reply.sentences.append(sentence)
        self.reply.opened = True

    def press(self, keys: str) -> None:
        self.pressed.append(keys)
        self.reply.opened = True

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        async with asyncio.TaskGroup() as tasks:
            work = tasks.create_task(self.box.run())
            yield
            work.cancel()

    async def run(self) -> "Talk":
        """Make the whole answer, the first request included."""
        self.memory.caller_said("hello")
        self.memory.ask(None)
        request = Request(self.memory.messages)
        async with asyncio.timeout(20), self.working():
            words = await self.ask(request)
            await use_tools(self.reply, request, self.box, self.memory, self, ENGLISH, has_words=words)
        return self

    @property
    def fates(self) -> list[str]:
        return [body.fate.value for body in self.told if isinstance(body, events.ToolUsed)]


async def test_the_result_goes_back_and_the_model_speaks_about_it() -> None:
    talk = await Talk([["Let me see.", LOOK], ["You are Dana."]]).run()
    assert talk.reply.sentences == ["Let me see.", "You are Dana."]
    *_, asked, result = talk.asked[1].messages
    assert (asked.role, asked.text, asked.calls[0].name) == (Role.ASSISTANT, "Let me see.", "look_up_lead")
    assert (result.role, result.call_id) == (Role.TOOL, asked.calls[0].id)
    assert "booked" in result.text
    assert talk.reply.calls == []


async def test_several_steps_make_one_answer() -> None:
    talk = await Talk([[LOOK], [BOOK, NOTE], ["Booked.", END]]).run()
    assert talk.reply.sentences == ["Booked."]
    assert [call.name for call in talk.reply.calls] == ["note_fact", "end_call"], "they take effect when heard"
    assert len(talk.asked) == 3
    assert [len(request.messages) for request in talk.asked] == [1, 3, 6]


async def test_plain_words_and_facts_cost_no_second_request() -> None:
    answers: list[list[Said]] = [[NOTE, "I see."], ["Goodbye.", END], [END], ["I see.", NOTE, END]]
    for answer in answers:
        talk = await Talk([list(answer)]).run()
        assert len(talk.asked) == 1, answer
        assert [call.name for call in talk.reply.calls] == [s.name for s in answer if isinstance(s, ToolCall)]


async def test_a_model_that_notes_something_before_it_speaks_is_asked_on() -> None:
    talk = await Talk([[NOTE], ["I see."]]).run()
    assert talk.reply.sentences == ["I see."]
    assert [call.name for call in talk.reply.calls] == ["note_fact"]


async def test_what_was_done_stays_and_is_remembered_when_the_answer_is_cut() -> None:
    talk = Talk([["One moment.", BOOK], ["Booked."]], ScriptedDesk(delay_s=0.05))
    talk.memory.caller_said("book it")
    talk.memory.ask(None)
    request = Request(talk.memory.messages)
    async with asyncio.timeout(10), talk.working():
        words = await talk.ask(request)
        async with asyncio.TaskGroup() as tasks:
            use = use_tools(talk.reply, request, talk.box, talk.memory, talk, ENGLISH, has_words=words)
            making = tasks.create_task(use)
            await asyncio.sleep(0.01)
            making.cancel()
        assert talk.memory.messages[-1].text == UNDER_WAY
        talk.memory.take_back()  # nothing of the answer was heard
        await talk.box.finish()
    assert talk.reply.sentences == ["One moment."]
    user, asked, result = talk.memory.messages
    assert (user.role, user.text) == (Role.USER, "book it")
    assert asked.calls[0].name == "book_slot"
    assert "Tuesday" in result.text
    assert talk.memory.owes_result
    talk.memory.agent_heard("It is booked.", cut_short=False)
    assert not talk.memory.owes_result


async def test_bad_arguments_go_back_to_the_model_and_not_to_the_caller() -> None:
    bad = ToolCall("x", "book_slot", {"starts_at": "at ten"})
    talk = await Talk([[bad], ["What day?"]]).run()
    assert talk.reply.sentences == ["What day?"]
    assert "starts_at" in talk.asked[1].messages[-1].text
    assert talk.desk.asked == []
    assert talk.memory.messages == (Message(Role.USER, "hello"),), "nothing was done, so nothing is remembered"


async def test_an_end_with_a_fault_in_it_is_not_the_end_before_the_model_knows() -> None:
    wrong = ToolCall("x", "end_call", {"outcome": "bored"})
    talk = await Talk([["Goodbye.", wrong], [END]]).run()
    assert [call.arguments for call in talk.reply.calls] == [END.arguments]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (DeskAway("crm_away", in_doubt=False), ENGLISH.not_done),
        (DeskAway("late", in_doubt=True), ENGLISH.not_done),
        (ToolAnswer({"booked": True}), ENGLISH.done),
    ],
)
@pytest.mark.parametrize("after", [[], [ModelUnavailable()]], ids=["silent", "away"])
async def test_a_model_without_words_leaves_an_honest_sentence(reply: Any, said: str, after: list[Said]) -> None:
    talk = await Talk([[BOOK], after], ScriptedDesk(lambda name: reply)).run()
    assert talk.reply.sentences == [said]


async def test_what_was_looked_up_and_not_told_is_no_success() -> None:
    talk = await Talk([[LOOK], [ModelUnavailable()]]).run()
    assert talk.reply.sentences == [ENGLISH.not_done]


async def test_a_model_that_goes_on_asking_is_stopped() -> None:
    talk = await Talk([[LOOK] for _ in range(ROUNDS_MAX + 3)]).run()
    assert len(talk.asked) == ROUNDS_MAX + 1
    assert talk.reply.sentences == [ENGLISH.not_done]
    assert talk.reply.calls == []


@pytest.mark.parametrize(
    ("delay_s", "slow"),
    [(0.02, []), (0.1, ENGLISH.patience[:1]), (0.4, ENGLISH.patience)],
    ids=["quick", "slow", "very slow"],
)
async def test_a_slow_tool_gets_a_word_of_patience(
    delay_s: float, slow: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "SLOW_AFTER_S", 0.05)
    monkeypatch.setattr(rounds, "STILL_SLOW_AFTER_S", 0.12)
    talk = await Talk([[BOOK], ["Done."]], ScriptedDesk(delay_s=delay_s)).run()
    assert talk.reply.sentences == [*slow, "Done."]


async def test_words_that_are_still_being_heard_are_patience_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "SLOW_AFTER_S", 0.02)
    talk = await Talk([["Let me see.", BOOK], ["Done."]], ScriptedDesk(delay_s=0.1), left_ms=60).run()
    assert talk.reply.sentences == ["Let me see.", "Done."]


async def test_a_note_before_a_model_that_fails_is_no_answer() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        await Talk([[NOTE], [ModelUnavailable()]]).run()
    assert caught.value.subgroup(ModelUnavailable) is not None


async def test_a_granted_transfer_takes_effect_with_the_words_and_a_refused_one_does_not() -> None:
    ask = ToolCall("x", "transfer_call", {"reason": "price"})
    granted = ToolAnswer({"granted": "say so"}, permit="sealed")
    talk = await Talk([[ask], ["I put you through."]], ScriptedDesk(lambda name: granted)).run()
    assert decided_outcome(talk.reply) is events.Outcome.TRANSFERRED
    assert talk.box.permit == "sealed"
    assert "sealed" not in str(talk.asked), "a permit is nothing for a model"
    refused = ToolAnswer({"refused": "nobody is there"}, refused=True)
    talk = await Talk([[ask], ["Nobody is there."]], ScriptedDesk(lambda name: refused)).run()
    assert decided_outcome(talk.reply) is None
    assert talk.box.permit == ""


async def test_keys_are_pressed_in_place_of_words() -> None:
    talk = await Talk([[ToolCall("x", "press_keys", {"keys": "1"})]]).run()
    assert (talk.pressed, talk.reply.sentences) == (["1"], [])
    assert len(talk.asked) == 1, "a menu is listened to, not talked about"


async def test_the_last_words_are_acted_on_without_an_answer() -> None:
    talk = Talk([])
    talk.reply.calls += [ToolCall("x", "mark_do_not_call", {}), LOOK, BOOK, END, ToolCall("x", "fly", {})]
    async with asyncio.timeout(5), talk.working():
        use_silently(talk.reply, talk.box)
        await talk.box.finish()
    assert [body.kind.value for body in talk.told if isinstance(body, events.FactNoted)] == ["opted_out"]
    assert [call.name for call in talk.reply.calls] == ["end_call"]
    assert talk.desk.asked == []
