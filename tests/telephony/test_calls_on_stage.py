"""Whole calls over real sockets, and what goes wrong on the carrier's side of one: all on the line at the same time."""

import asyncio
import os
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from events import call as events
from events import wire
from events.call import AnsweredBy, Outcome, State
from events.ids import new_id
from events.understanding import CallerAngry, CallerUnderstood, Mood, ObjectionKind
from media.recording.spool import Spool
from telephony import journal
from telephony.call import lifecycle
from tests.telephony.stage import Stage, finished, set_stage

# One group: the scenes are played once, by one of the processes that share the tests.
pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("stage")]
BETWEEN_DIALS_S = 1.0


@dataclass(frozen=True)
class Scene:
    persona: str
    fault: Mapping[str, Any] = field(default_factory=dict)
    ring_timeout_s: int = 30
    disk_full: bool = False


SCENES: Mapping[str, Scene] = {
    "goal": Scene("eager"),
    "objections": Scene("objector"),
    "busy": Scene("busy"),
    "no_answer": Scene("no_answer", ring_timeout_s=5),
    "callbacks_lost": Scene("no_answer", {"lose": 1.0}, ring_timeout_s=5),
    "stream_cut": Scene("eager", {"cut_stream_after_ms": 4_000}),
    "garbage": Scene("opt_out", {"garbage_after_ms": 1_000}),
    "disorder": Scene("opt_out", {"duplicate": 1.0, "reorder": 0.5}),
    "refused": Scene("eager", {"refuse": {"status": 400, "code": 21215}}),
    "in_doubt": Scene("opt_out", {"refuse": {"status": 503, "dial_anyway": True}}),
    "disk_full": Scene("opt_out", disk_full=True),
}


@dataclass(frozen=True)
class Played:
    found: list[events.Event]
    placed: int  # calls that the carrier made of it

    def all(self, kind: type[Any]) -> list[Any]:
        return [event.body for event in self.found if isinstance(event.body, kind)]

    @property
    def end(self) -> events.Finished:
        return finished(self.found)


@dataclass(frozen=True)
class Night:
    folder: Path
    journals_left: int
    played: Mapping[str, Played]


@pytest.fixture(scope="module", name="night")
def _night(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """All scenes, played once."""
    folder = tmp_path_factory.mktemp("stage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lifecycle.GUARD_S, State.DIALING, 12.0)
        yield asyncio.run(_play(redis_url, folder, patch))


async def _play(redis_url: str, folder: Path, patch: pytest.MonkeyPatch) -> Night:
    calls = {name: new_id() for name in SCENES}
    numbers = {name: f"+121255501{place:02d}" for place, name in enumerate(SCENES)}
    _fill_disk(patch, {str(calls[name]) for name, scene in SCENES.items() if scene.disk_full})
    async with set_stage(redis_url, folder) as stage:
        for name, scene in SCENES.items():
            await stage.seat(scene.persona, numbers[name])
            if scene.fault:
                await stage.fault(number=numbers[name], **scene.fault)
            reply = await stage.dial(calls[name], numbers[name], ring_timeout_s=scene.ring_timeout_s)
            assert reply.accepted, reply.reason
            assert reply.state == State.DIALING
            await asyncio.sleep(BETWEEN_DIALS_S)
        told = {name: await stage.until(call_id, events.Closed, 120) for name, call_id in calls.items()}
        placed = [call["to"] for call in (await stage.http.get("/box/calls")).json()]
        left = await _commit_all(stage, folder, told)
    return Night(folder, left, {name: Played(told[name], placed.count(numbers[name])) for name in SCENES})


async def _commit_all(stage: Stage, folder: Path, told: Mapping[str, list[events.Event]]) -> int:
    """Play the CRM that has taken every call; return how many journals are left then."""
    for found in told.values():
        mark = f"{found[-1].epoch}:{found[-1].seq}"
        await stage.redis.set(wire.committed_key(stage.org_id, found[0].call_id), mark)
    journals = folder / "voice" / stage.settings.node / "journal"
    assert len(journal.leftovers(journals)) == len(told), "none goes before its last event is committed"
    for _ in range(50):
        if not journal.leftovers(journals):
            break
        await asyncio.sleep(0.1)
    return len(journal.leftovers(journals))


def _fill_disk(patch: pytest.MonkeyPatch, call_ids: set[str]) -> None:
    # The disk itself cannot be filled here; the call that meets it is the operating system's, one line deep.
    append = Spool.append

    def full(self: Spool, frames: bytes) -> None:
        if self.meta.call_id in call_ids:
            raise OSError(28, os.strerror(28))
        append(self, frames)

    patch.setattr(Spool, "append", full)


def test_a_whole_call_reaches_its_goal(night: Night) -> None:
    played = night.played["goal"]
    end = played.end
    assert (end.state, end.outcome, end.answered_by) == (State.ENDED, Outcome.GOAL_REACHED, AnsweredBy.HUMAN)
    assert [event.seq for event in played.found] == list(range(1, len(played.found) + 1))
    assert events.FactKind.MEETING_BOOKED in [fact.kind for fact in played.all(events.FactNoted)]
    assert not played.all(events.BargedIn)


def test_every_answer_has_its_waterfall_in_order(night: Night) -> None:
    for timed in night.played["goal"].all(events.TurnTimed):
        stages = (timed.vad_ms, timed.end_of_turn_ms, timed.transcript_ms, timed.first_token_ms, timed.first_audio_ms)
        assert list(stages) == sorted(stages)
        assert timed.sent_ms >= timed.first_audio_ms


def test_both_voices_are_in_the_recording(night: Night) -> None:
    (stored,) = night.played["goal"].all(events.RecordingStored)
    with wave.open(str(night.folder / "store" / stored.key)) as recording:
        assert recording.getnchannels() == 2
        samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16).reshape(-1, 2)
    assert np.abs(samples.astype(int)).max(axis=0).min() > 2_000
    assert stored.duration_s == pytest.approx(night.played["goal"].end.duration_s, abs=0.5)


def test_nothing_is_left_on_the_nodes_disk(night: Night) -> None:
    assert night.journals_left == 0
    assert not list(night.folder.glob("voice/*/spool/*.pcm"))


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("busy", Outcome.LINE_BUSY), ("no_answer", Outcome.NO_ANSWER), ("callbacks_lost", Outcome.NO_ANSWER)],
)
def test_a_line_that_is_not_answered_costs_nothing(night: Night, name: str, outcome: Outcome) -> None:
    """Also when every callback is lost: then the carrier is asked."""
    end = night.played[name].end
    assert (end.state, end.outcome, end.answered_by, end.billable_s) == (State.FAILED, outcome, None, 0)


def test_a_stream_cut_without_stop_ends_the_call_and_keeps_its_recording(night: Night) -> None:
    played = night.played["stream_cut"]
    end = played.end
    assert (end.state, end.outcome, end.reason) == (State.ENDED, Outcome.SERVICE_FAILURE, "stream_lost")
    assert end.billable_s >= 4
    assert played.all(events.RecordingStored)[0].duration_s >= 3


@pytest.mark.parametrize("name", ["garbage", "disorder", "in_doubt", "disk_full"])
def test_what_does_not_concern_the_prospect_does_not_reach_them(night: Night, name: str) -> None:
    """Garbage on the socket; callbacks twice and out of order; a dial whose answer was lost; a full disk."""
    played = night.played[name]
    assert played.end.outcome is Outcome.OPTED_OUT
    assert len(played.all(events.Answered)) == 1
    assert played.placed == 1, "nobody is dialled twice"


def test_a_carrier_that_refuses_is_not_asked_again(night: Night) -> None:
    end = night.played["refused"].end
    assert (end.state, end.outcome, end.reason) == (State.FAILED, Outcome.REFUSED, "carrier_21215")
    assert night.played["refused"].placed == 0


def test_a_full_disk_is_said(night: Night) -> None:
    assert [body.reason for body in night.played["disk_full"].all(events.RecordingFailed)] == ["disk_full"]


def test_every_utterance_is_judged_and_objections_are_told_with_their_words(night: Night) -> None:
    played = night.played["objections"]
    said = {
        turn.turn: turn.text
        for turn in played.all(events.TurnFinished)
        if turn.speaker is events.Speaker.CALLER and turn.text
    }
    understood = played.all(CallerUnderstood)
    assert [body.turn for body in understood] == list(said)
    kinds = {kind for body in understood for kind in body.objections}
    assert kinds & {ObjectionKind.PRICE, ObjectionKind.COMPETITOR, ObjectionKind.TRUST}, said
    for body in understood:
        assert body.mood in set(Mood)
        assert all(quote in said[body.turn] for quote in body.quotes)
    assert not played.all(CallerAngry), "objecting is no anger"
