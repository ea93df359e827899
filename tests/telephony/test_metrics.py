"""The exposition: read back by Prometheus' own parser, with names and units as the guide says them."""

import asyncio
import re
from pathlib import Path

import pytest
import redis.asyncio as redis
from prometheus_client.parser import text_string_to_metric_families

from agent.llm.registry import Models
from events import call as events
from events.call import Outcome, State
from media.activity.silero import Silero
from media.clock import Clock
from media.load import Gauge, Reading
from telephony.admission import Admission, NoRoom
from telephony.calls import Calls
from telephony.figures import Figures
from telephony.metrics import Sources, Spooled, VoiceCollector, exposition, look_at_spool
from telephony.outbox import Outbox
from tests.telephony.call.test_archive import archive_in

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "metrics.md"
Exposed = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(text: bytes) -> Exposed:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


@pytest.fixture(name="sources")
async def _sources(tmp_path: Path) -> Sources:
    async with asyncio.TaskGroup() as tasks:
        calls, gauge, outbox, figures = Calls(tasks, 2), Gauge(), Outbox(tmp_path, redis.Redis()), Figures()
    admission, archive = Admission(calls, gauge, outbox), archive_in(tmp_path)
    return Sources(calls, admission, gauge, Clock(), Silero(), outbox, archive, figures, Models({}))


async def test_what_was_counted_is_exposed(sources: Sources) -> None:
    sources.gauge.take(Reading(0.9, 0.5, 1, lag_ms=25))
    for late_ms in range(100):
        sources.clock.late_ms.add(late_ms)
    with sources.admission.place(), sources.admission.place(), pytest.raises(NoRoom), sources.admission.place():
        pass
    sources.figures.note(events.TurnTimed(1, vad_ms=400, sent_ms=450))
    sources.figures.note(events.Finished(State.FAILED, Outcome.LINE_BUSY))
    used = events.ModelUsed("openai:m", "spoken", "", 90, 10, cost_milli=7, first_token_ms=350)
    sources.figures.note(used)
    sources.figures.note(events.ModelUsed("openai:m", "failed", "timeout"))
    sources.silero.batch_windows.add(7)
    collector = VoiceCollector(sources)
    collector.spooled = Spooled(1_234, 3)
    found = read(exposition(collector))
    assert found["salesos_calls_admitted_total", ()] == 2
    assert found["salesos_calls_refused_total", (("reason", "node_full"),)] == 1
    assert found["salesos_calls_ended_total", (("outcome", "line_busy"),)] == 1
    assert found["salesos_load_level", ()] == 0.5
    assert found["salesos_loop_lag_seconds", (("quantile", "0.95"),)] == 0.095
    assert found["salesos_response_seconds_count", ()] == 1
    assert found["salesos_response_seconds_bucket", (("le", "0.5"),)] == 1
    assert found["salesos_response_seconds_bucket", (("le", "0.4"),)] == 0
    assert found["salesos_stage_seconds_sum", (("stage", "vad"),)] == 0.4
    assert found["salesos_vad_batch_windows_bucket", (("le", "8"),)] == 1
    spoken = (("fate", "spoken"), ("provider", "openai:m"))
    assert found["salesos_model_requests_total", spoken] == 1
    assert found["salesos_model_tokens_total", spoken] == 100
    assert found["salesos_model_cost_millicredits_total", spoken] == 7
    assert found["salesos_model_failures_total", (("failure", "timeout"), ("provider", "openai:m"))] == 1
    assert found["salesos_model_first_token_seconds_count", ()] == 1
    assert found["salesos_model_fallback_share", ()] == 0
    assert found["salesos_spool_bytes", ()] == 1_234
    assert found["salesos_recordings_waiting", ()] == 3
    assert ("process_resident_memory_bytes", ()) in found


def test_names_carry_units_and_every_one_is_in_the_guide(sources: Sources) -> None:
    families = list(VoiceCollector(sources).collect())
    names = [family.name + ("_total" if family.type == "counter" else "") for family in families]
    assert len(names) == len(set(names))
    assert set(names) == set(re.findall(r"`(salesos_[a-z0-9_]+)`", GUIDE.read_text()))
    units = ("_seconds", "_cores", "_bytes", "_windows", "_level", "_total")
    assert [family.name for family in families if family.type == "histogram" and not family.name.endswith(units)] == []


async def test_every_ended_call_stays_counted(tmp_path: Path) -> None:
    """A counter never falls: what a live call has shown is kept when it ends."""
    figures = Figures()
    figures.over.frames = 40
    async with asyncio.TaskGroup() as tasks:
        calls, gauge, outbox = Calls(tasks, 2), Gauge(), Outbox(tmp_path, redis.Redis())
    admission, archive = Admission(calls, gauge, outbox), archive_in(tmp_path)
    sources = Sources(calls, admission, gauge, Clock(), Silero(), outbox, archive, figures, Models({}))
    assert read(exposition(VoiceCollector(sources)))["salesos_frames_received_total", ()] == 40
    assert figures.over.frames == 40, "reading adds nothing"


def test_the_spool_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.rec").write_bytes(bytes(100))
    (tmp_path / "a.json").write_bytes(bytes(10))
    (tmp_path / "b.json").write_bytes(bytes(1))
    assert look_at_spool(tmp_path) == Spooled(111, 2)
    assert look_at_spool(tmp_path / "none") == Spooled(0, 0)
