"""The words of an utterance, and what happens when the recogniser takes long for them."""

import asyncio
from dataclasses import dataclass

from agent.hearing_out import HearingOut
from agent.listening import Listening
from agent.reply import Waterfall
from agent.stt.port import PCM_UTTERANCES, Feeding, Transcript
from agent.turns.ending import SILENCE_MS
from agent.turns.first_sound import FIRST_SOUND_MS
from agent.turns.wording import WordLists
from media.activity.detector import VoiceEnded
from tests.virtual_clock import run_virtual

LISTS = WordLists(open=frozenset({"because"}))
LAST_MS = 2_000  # last voiced sample
ENDED_S = 2.4


@dataclass
class Ear:
    """Implements `Recognizer`."""

    final_s: float
    text: str
    feeding: Feeding = PCM_UTTERANCES

    def begin(self) -> None: ...

    def feed(self, audio: bytes) -> None: ...

    async def finish(self) -> Transcript:
        await asyncio.sleep(self.final_s)
        return Transcript(self.text)

    async def aclose(self) -> None: ...


def heard(
    final_s: float, text: str = "yes", partial: str = "", late_s: float = 0.0, ended_s: float = ENDED_S
) -> tuple[str, Waterfall, list[int]]:
    """Hear an utterance out; returns the words, the answer's moments, and when `late` was called."""

    async def main() -> tuple[str, Waterfall, list[int]]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(ended_s)

        def now_ms() -> int:
            return round(loop.time() * 1000)

        calls: list[int] = []

        async def late(fall: Waterfall, signal: VoiceEnded) -> None:
            calls.append(now_ms())
            assert fall.due_ms is not None
            assert fall.due_ms <= now_ms()
            await asyncio.sleep(late_s)

        listening = Listening(Ear(final_s, text))
        listening.partial = partial
        out = HearingOut(listening, LISTS, now_ms)
        async with asyncio.TaskGroup() as tasks:
            said, fall = await out.words(VoiceEnded(1_000, LAST_MS, now_ms()), tasks, late)
        return said.text, fall, calls

    return run_virtual(main())


def test_words_in_time_need_nothing_else() -> None:
    text, fall, late = heard(0.2)
    assert (text, late) == ("yes", [])
    assert (fall.origin_ms, fall.end_of_turn_ms, fall.transcript_ms) == (LAST_MS, 2_400, 2_600)
    assert fall.due_ms == LAST_MS + FIRST_SOUND_MS


def test_a_recogniser_that_hangs_is_told_of_when_the_budget_is_used_up() -> None:
    text, fall, late = heard(5.0)
    assert (text, late) == ("yes", [LAST_MS + FIRST_SOUND_MS])
    assert fall.transcript_ms == 7_400


def test_words_that_come_while_something_else_begins_are_not_lost() -> None:
    assert heard(1.2, late_s=3.0)[0] == "yes"


def test_an_unfinished_sentence_gets_the_answer_s_whole_budget_behind_its_wait_when_its_words_are_there() -> None:
    _, fall, late = heard(0.2, "yes because", ended_s=3.1)
    assert late == []
    assert fall.due_ms == 3_100 - SILENCE_MS + FIRST_SOUND_MS


def test_partial_words_of_a_recogniser_that_hangs_prove_no_unfinished_sentence() -> None:
    _, fall, late = heard(5.0, "yes because of that", partial="yes because", ended_s=3.1)
    assert late == [3_600]
    # It was waited for as for a broken-off one; whole it was all the same, and has two seconds at most.
    assert fall.due_ms == LAST_MS + FIRST_SOUND_MS + 200


def test_cancelled_it_leaves_nothing_running() -> None:
    async def main() -> None:
        async def never(fall: Waterfall, signal: VoiceEnded) -> None:
            raise AssertionError

        out = HearingOut(Listening(Ear(60.0, "yes")), LISTS, lambda: 2_400)
        try:
            async with asyncio.timeout(1.0), asyncio.TaskGroup() as tasks:
                await out.words(VoiceEnded(1_000, LAST_MS, 2_400), tasks, never)
        except TimeoutError:
            pass
        assert len(asyncio.all_tasks()) == 1

    run_virtual(main())
