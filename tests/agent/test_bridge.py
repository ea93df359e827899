"""Silences while an answer is made: what is said in them, when, and when nothing is."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from agent.bridge import Bridge
from agent.reply import Reply, Waterfall
from agent.turns.first_sound import NEXT_SOUND_MS, UNASKED_MS
from tests.virtual_clock import run_virtual

PHRASE_MS = 800
PHRASES = ("One moment.", "Still here.")


@dataclass
class Room:
    """Implements `Sound` and `Voice`: what is put into it is heard at once, in its own time."""

    reply: Reply
    paused: bool = False
    reply_ms: int = 0
    ends_ms: int = 0
    said: list[tuple[int, str]] = field(default_factory=list)  # moment, phrase
    mute: bool = False
    caller_speaks: bool = False

    @property
    def now(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    @property
    def heard_ms(self) -> int:
        return self.reply_ms - max(0, self.ends_ms - self.now)

    def sound(self, length_ms: int) -> None:
        self.reply.opened = True
        self.reply_ms += length_ms
        self.ends_ms = max(self.now, self.ends_ms) + length_ms

    async def meanwhile(self, phrase: str) -> None:
        self.said.append((self.now, phrase))
        if not self.mute:
            self.reply.sentences.append(phrase)
            self.sound(PHRASE_MS)


def bridged(
    *acts: tuple[float, Callable[[Room, Bridge], None]], due_ms: int | None = 1_000, mute: bool = False
) -> list[tuple[int, str]]:
    """Run a bridge for ten seconds; each act comes so many seconds after the one before it."""
    reply = Reply(1, Waterfall(due_ms=due_ms))

    async def main() -> list[tuple[int, str]]:
        room = Room(reply, mute=mute)
        bridge = Bridge(reply, room, room, PHRASES, lambda: room.caller_speaks)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(bridge.run())
            for after_s, act in acts:
                await asyncio.sleep(after_s)
                act(room, bridge)
            await asyncio.sleep(10)
            running.cancel()
        return room.said

    return run_virtual(main())


def test_each_silence_gets_a_phrase_until_there_are_none() -> None:
    second_ms = 1_000 + PHRASE_MS + NEXT_SOUND_MS
    assert bridged() == [(1_000, PHRASES[0]), (second_ms, PHRASES[1])]


def test_an_answer_in_time_is_left_alone() -> None:
    assert bridged((0.9, lambda room, _: room.sound(20_000))) == []


def test_where_nobody_has_spoken_the_wait_is_from_the_asking() -> None:
    assert bridged(due_ms=None)[0] == (UNASKED_MS, PHRASES[0])


def test_an_answer_that_is_known_to_be_late_is_not_waited_for() -> None:
    assert bridged((0.4, lambda _, bridge: bridge.hurry()))[0] == (400, PHRASES[0])


def test_hurrying_behind_the_first_sound_changes_nothing() -> None:
    said = bridged((0.4, lambda room, _: room.sound(1_000)), (0.1, lambda _, bridge: bridge.hurry()))
    assert said[0] == (400 + 1_000 + NEXT_SOUND_MS, PHRASES[0])


def test_a_budget_that_is_used_up_begins_with_the_phrase() -> None:
    assert bridged(due_ms=-500)[0] == (0, PHRASES[0])


def test_sound_that_comes_before_the_silence_is_too_long_starts_it_anew() -> None:
    said = bridged((0.5, lambda room, _: room.sound(1_000)), (2.0, lambda room, _: room.sound(1_000)))
    assert said[0] == (500 + 2_000 + 1_000 + NEXT_SOUND_MS, PHRASES[0])


def test_nothing_is_said_while_the_caller_speaks_over_the_answer() -> None:
    def pause(room: Room, _: Bridge) -> None:
        room.paused = True

    def go_on(room: Room, _: Bridge) -> None:
        room.paused = False

    said = bridged((0.5, lambda room, _: room.sound(600)), (0.5, pause), (5.0, go_on))
    assert said[0][0] >= 6_000 + NEXT_SOUND_MS


def test_a_budget_that_is_used_up_while_the_caller_speaks_is_used_up_when_they_stop() -> None:
    def speak(room: Room, _: Bridge) -> None:
        room.caller_speaks = True

    def stop(room: Room, _: Bridge) -> None:
        room.caller_speaks = False

    said = bridged((0.9, speak), (2.0, stop))
    assert 2_900 <= said[0][0] <= 3_100
    assert [phrase for _, phrase in said] == list(PHRASES)


def test_what_somebody_else_has_said_is_not_said_again() -> None:
    def say(room: Room, _: Bridge) -> None:
        room.reply.sentences.append(PHRASES[0])
        room.sound(PHRASE_MS)

    assert bridged((0.5, say)) == [(500 + PHRASE_MS + NEXT_SOUND_MS, PHRASES[1])]


def test_a_voice_that_stays_mute_ends_it() -> None:
    assert [phrase for _, phrase in bridged(mute=True)] == list(PHRASES)


@pytest.mark.parametrize("due_ms", [0, 700])
def test_cancelled_it_says_nothing(due_ms: int) -> None:
    reply = Reply(1, Waterfall(due_ms=due_ms))

    async def main() -> list[tuple[int, str]]:
        room = Room(reply)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(Bridge(reply, room, room, PHRASES).run()).cancel()
        return room.said

    assert run_virtual(main()) == []
