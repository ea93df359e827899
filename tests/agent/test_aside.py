"""A person has the word: the agent is silent at once, answers nothing, and goes on knowingly when it has it again."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agent import account
from agent.aside import SUMMARY_S
from agent.llm.port import Delta, EventName, Request, Role, Text, ToolCall
from agent.signals import AskForPatience, LineGone, PersonSaid, SteppedBack, TimeUp
from events.call import AgentInstructed, Outcome, Speaker, TurnFinished
from media.activity.detector import VoiceEnded
from media.fade import FADE_MS
from tests.agent.aside_stage import Talk, sent_ms, talking
from tests.virtual_clock import run_virtual

TOLD = account.handed_back(["Maria"], "", "an offer by Friday")


def played(scene: Callable[[Talk], Awaitable[None]]) -> Talk:
    """Play a scene in which the agent has begun to greet."""

    async def main() -> Talk:
        async with talking() as talk:
            await talk.until_speaking()
            await scene(talk)
        return talk

    return run_virtual(main())


async def take_over(talk: Talk) -> float:
    talk.conversation.step_aside()
    at_ms = asyncio.get_running_loop().time() * 1_000
    await talk.live(20)
    return at_ms


def hand_back(talk: Talk, told: str = TOLD) -> None:
    talk.conversation.put(SteppedBack(told))


def person_says(talk: Talk, text: str, name: str = "Maria") -> None:
    now = talk.room.now
    talk.conversation.put(PersonSaid(name, text, VoiceEnded(now - 800, now, now)))


def test_the_voice_stops_in_the_same_call_and_memory_holds_what_was_heard() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(600)
        cleared = len(talk.line.cleared)
        at_ms = await take_over(talk)
        assert len(talk.line.cleared) == cleared + 1
        await talk.live(8_000)
        assert sent_ms(talk, at_ms) <= FADE_MS
        assert talk.witness.speaking[-1] is False
        hand_back(talk)
        await talk.until_speaking()

    talk = played(scene)
    (turn,) = [body for body in talk.witness.told if isinstance(body, TurnFinished)][:1]
    assert turn.interrupted
    assert 0 < len(turn.heard_text.split()) < len(turn.text.split())
    assert talk.model.asked()[:2] == [(Role.EVENT, EventName.ANSWERED), (Role.ASSISTANT, turn.heard_text)]


def test_nothing_is_answered_while_a_person_has_the_word_and_all_is_told_afterwards() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(600)
        await take_over(talk)
        await talk.caller_says("what does it cost")
        person_says(talk, "forty dollars, and I will send you an offer")
        await talk.caller_says("all right, by Friday please")
        await talk.live(9_000)
        assert len(talk.model.requests) == 1, "only the greeting was asked for"
        hand_back(talk)
        await talk.until_speaking()

    talk = played(scene)
    assert talk.witness.turns()[1:4] == [
        "what does it cost",
        "forty dollars, and I will send you an offer",
        "all right, by Friday please",
    ]
    assert talk.witness.turns(Speaker.REP) == ["forty dollars, and I will send you an offer"]
    assert [role for role, _ in talk.model.asked()][-2:] == [Role.NOTE, Role.EVENT]
    note = talk.model.asked()[-2][1]
    assert "Maria tells you: an offer by Friday" in note
    said = note[note.index("Caller: what") :].splitlines()[:3]
    assert said == [
        "Caller: what does it cost",
        "Maria: forty dollars, and I will send you an offer",
        "Caller: all right, by Friday please",
    ]
    assert talk.model.asked()[-1] == (Role.EVENT, EventName.HANDED_BACK)


def test_what_the_caller_had_said_when_it_was_taken_over_is_the_persons_to_answer() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(2_500)
        talk.model.stalls = True
        await talk.caller_says("may I speak to somebody")
        await take_over(talk)
        talk.model.stalls = False
        hand_back(talk)
        await talk.until_speaking()

    talk = played(scene)
    assert "Caller: may I speak to somebody" in talk.model.asked()[-2][1]
    assert (Role.USER, "may I speak to somebody") not in talk.model.asked()


def test_an_answer_that_was_due_when_the_word_was_taken_is_never_heard() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(2_500)
        talk.caller_begins("I have a question")
        await talk.live(800)
        # Both are in the queue before the conversation sees either.
        talk.conversation.put(VoiceEnded(talk.room.now - 800, talk.room.now, talk.room.now))
        at_ms = await take_over(talk)
        await talk.live(6_000)
        assert sent_ms(talk, at_ms) == 0

    played(scene)


def test_who_is_speaking_when_the_word_comes_back_is_heard_out_first() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(600)
        await take_over(talk)
        talk.caller_begins("and when would that be")
        await talk.live(400)
        hand_back(talk)
        await talk.live(400)
        assert len(talk.model.requests) == 1
        await talk.caller_ends()

    talk = played(scene)
    assert talk.model.asked()[-2][0] is Role.NOTE
    assert talk.model.asked()[-1] == (Role.USER, "and when would that be")


def test_the_time_that_runs_out_meanwhile_is_told_when_the_agent_has_the_word() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(600)
        await take_over(talk)
        talk.conversation.put(TimeUp())
        talk.conversation.put(TimeUp())
        await talk.live(2_000)
        assert len(talk.model.requests) == 1
        hand_back(talk)
        await talk.until_speaking()

    assert played(scene).model.asked()[-1] == (Role.EVENT, EventName.TIME_UP)


def test_taken_over_and_back_and_over_again_at_once_leaves_it_silent() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(600)
        talk.conversation.step_aside()
        hand_back(talk)
        at_ms = await take_over(talk)
        await talk.live(3_000)
        assert sent_ms(talk, at_ms) <= FADE_MS
        hand_back(talk)
        await talk.until_speaking()

    played(scene)


def test_a_caller_who_hangs_up_on_a_person_is_still_understood() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(600)
        await take_over(talk)
        person_says(talk, "we could come on Monday")
        await talk.caller_says("no, take me off your list")
        talk.conversation.put(LineGone(Outcome.HUNG_UP, ""))
        await talk.live(200)

    talk = played(scene)
    assert talk.model.asked()[-1] == (Role.USER, "no, take me off your list")
    assert "Maria: we could come on Monday" in talk.model.asked()[-2][1]


def test_patience_is_asked_for_in_a_stock_phrase_that_the_model_knows_of() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(600)
        at_ms = await take_over(talk)
        talk.conversation.put(AskForPatience())
        await talk.live(3_000)
        assert sent_ms(talk, at_ms) > 1_000
        hand_back(talk)
        await talk.until_speaking()

    talk = played(scene)
    assert "One moment, please." in talk.witness.turns(Speaker.AGENT)
    assert "You: One moment, please." in talk.model.asked()[-2][1]


@pytest.mark.parametrize("stalls", [False, True])
def test_long_talks_are_summed_up_in_time_or_told_word_for_word(stalls: bool) -> None:
    def answer(request: Request) -> list[Delta]:
        if request.must_call:
            return [ToolCall("1", account.WRITE_SUMMARY, {"summary": "They agreed on an offer."})]
        return [Text("Very well.")]

    async def scene(talk: Talk) -> None:
        await talk.live(600)
        await take_over(talk)
        for number in range(60):
            person_says(talk, f"this is sentence number {number} of many")
            await talk.live(20)
        talk.model.answer = answer
        talk.model.stalls = stalls
        hand_back(talk)
        if stalls:
            await talk.live(round(SUMMARY_S * 1_000) - 100)
            assert talk.model.requests[-1].must_call == account.WRITE_SUMMARY
            talk.model.stalls = False
        await talk.until_speaking()

    note = played(scene).model.asked()[-2][1]
    assert ("They agreed on an offer." in note) is not stalls
    assert ("sentence number 3 " in note) is stalls
    assert "sentence number 59 " in note


def test_a_whisper_is_told_with_the_next_answer_and_is_nobodys_turn() -> None:
    async def scene(talk: Talk) -> None:
        await talk.live(2_500)
        talk.conversation.overheard.instructed("offer ten per cent", "Ines")
        assert len(talk.model.requests) == 1
        await talk.caller_says("it is too expensive")
        await talk.live(2_500)
        await talk.caller_says("that sounds better")

    talk = played(scene)
    note = (Role.NOTE, account.instruction("offer ten per cent"))
    assert talk.model.asked(1)[-2:] == [note, (Role.USER, "it is too expensive")]
    assert talk.model.asked(2).count(note) == 1, "told once, and remembered"
    assert AgentInstructed("offer ten per cent", "Ines") in talk.witness.told
    assert not any("ten per cent" in turn for turn in talk.witness.turns())
