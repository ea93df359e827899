"""The end of an utterance: its words, waited for no longer than the caller waits for us."""

import asyncio
from collections.abc import Awaitable, Callable

from agent.listening import Listening
from agent.reply import Waterfall
from agent.stt.port import Transcript
from agent.turns.first_sound import due_ms, unconfirmed_due_ms
from agent.turns.wording import WordLists, read
from media.activity.detector import VoiceEnded


class HearingOut:
    """One call's."""

    def __init__(self, listening: Listening, lists: WordLists, now_ms: Callable[[], int]) -> None:
        """`now_ms`: the call's timeline."""
        self._listening = listening
        self._lists = lists
        self._now_ms = now_ms

    async def words(
        self, signal: VoiceEnded, tasks: asyncio.TaskGroup, late: Callable[[Waterfall, VoiceEnded], Awaitable[None]]
    ) -> tuple[Transcript, Waterfall]:
        """Return what was said, and the first moments of the answer to it.

        `late` is awaited when the recogniser takes so long that something else must be heard first.
        """
        ended_ms = self._now_ms()
        words = tasks.create_task(self._listening.finish(), name="conversation.words")
        due = unconfirmed_due_ms(signal.last_voiced_ms, ended_ms, read(self._listening.partial, self._lists))
        await asyncio.wait([words], timeout=max(0, due - ended_ms) / 1000)
        if not words.done():
            await late(Waterfall(signal.last_voiced_ms, ended_ms, ended_ms, due_ms=due), signal)
        said = await words
        due = due_ms(signal.last_voiced_ms, ended_ms, read(said.text, self._lists))
        return said, Waterfall(signal.last_voiced_ms, ended_ms, ended_ms, self._now_ms(), due_ms=due)
