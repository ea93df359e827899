"""A conversation whose agent does things: what was begun is done, whoever interrupts, and the next answer knows it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace

from agent.conversation import Conversation
from agent.llm.port import Delta, Request, Role, Text, ToolCall
from agent.signals import LineGone, Result
from agent.stt.port import Transcript
from agent.tools.toolbox import Toolbox
from bench.fakes import InstantRecognizer, instant_minds
from events import call as events
from events.call import FactKind, Outcome
from media.activity.detector import VoiceEnded, VoiceStarted
from media.activity.silero import Silero
from media.room import Room
from tests.agent.test_conversation_closed import Witness
from tests.agent.tools.desk import ScriptedDesk

BOOK = ToolCall("vendor's", "book_slot", {"starts_at": "2026-11-24T10:00"})
STOP = ToolCall("vendor's", "mark_do_not_call", {})


@dataclass
class Model:
    """Asks for a booking, and says what came of it when it is asked about anything later."""

    call: ToolCall
    asked: list[Request] = field(default_factory=list)

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.asked.append(request)
        if any(message.role is Role.TOOL for message in request.messages):
            yield Text("It is booked.")
        else:
            yield self.call


class Words(InstantRecognizer):
    async def finish(self) -> Transcript:
        return Transcript("please book ten o'clock")


@contextlib.asynccontextmanager
async def talking(model: Model, desk: ScriptedDesk) -> AsyncGenerator[tuple[Conversation, Witness, Toolbox]]:
    """A conversation whose tools work beside it, as a call has them."""
    witness = Witness()
    names = ("book_slot", "mark_do_not_call")
    box = Toolbox(desk, names, witness.emit, asyncio.get_running_loop().time)
    talk = Conversation(replace(instant_minds(), model=model, recognizer=Words(), toolbox=box), witness)
    silero = Silero(later=lambda delay_s, work: None)
    talk.attach(Room(silero, None, talk, lambda: asyncio.get_running_loop().time() * 1_000))
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        working = tasks.create_task(box.run())
        yield talk, witness, box
        working.cancel()


async def until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110 - what is looked at tells nobody
        await asyncio.sleep(0.005)


async def test_a_caller_who_speaks_on_while_a_tool_works_is_answered_with_its_result() -> None:
    model, desk = Model(BOOK), ScriptedDesk(delay_s=0.3)
    async with talking(model, desk) as (talk, witness, box), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(talk.run())
        talk.put(VoiceStarted(0, 100))
        talk.put(VoiceEnded(0, 900, 1_300))
        await until(lambda: len(model.asked) == 1)
        await until(lambda: bool(desk.asked))
        talk.put(VoiceStarted(1_400, 1_500))  # nothing of the answer was heard: it is thrown away
        await asyncio.sleep(0.02)
        talk.put(VoiceEnded(1_400, 2_000, 2_400))
        await until(lambda: len(model.asked) == 2)
        running.cancel()
        await box.finish()
    assert [name for name, *_ in desk.asked] == ["book_slot"], "asked for once, and not again with the next answer"
    assert [body.kind for body in witness.told if isinstance(body, events.FactNoted)] == [FactKind.MEETING_BOOKED]
    roles = [message.role for message in model.asked[1].messages]
    # The greeting is still due, so each answer is told that the line was picked up.
    assert roles == [Role.USER, Role.EVENT, Role.ASSISTANT, Role.TOOL, Role.USER, Role.EVENT]


async def test_what_is_asked_for_in_the_last_words_is_done_though_nobody_hears_an_answer() -> None:
    model, desk = Model(STOP), ScriptedDesk()
    async with talking(model, desk) as (talk, witness, box), asyncio.TaskGroup() as tasks:
        running: asyncio.Task[Result] = tasks.create_task(talk.run())
        talk.put(VoiceStarted(0, 100))
        await asyncio.sleep(0.02)
        talk.put(LineGone(Outcome.HUNG_UP, ""))
        result = await running
        await box.finish()
    assert result.outcome is Outcome.HUNG_UP
    assert [body.kind for body in witness.told if isinstance(body, events.FactNoted)] == [FactKind.OPTED_OUT]
