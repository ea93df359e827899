"""The process's figures in Prometheus' words (S73): read from plain counters when asked, never in the calls' way.

docs/guides/metrics.md says what each means and which are worth an alarm.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from agent.llm.registry import Models
from media.activity.silero import Silero
from media.clock import TICK_S, Clock
from media.load import Gauge
from media.measures import Histogram
from media.recording.spool import META_SUFFIX
from telephony.admission import Admission
from telephony.call.archive import Archive
from telephony.calls import Calls
from telephony.figures import Counts, Figures
from telephony.outbox import Outbox

_QUANTILES: Final = ("0.5", "0.95", "0.99")


@dataclass(frozen=True, slots=True)
class Spooled:
    """What lies in the spool folder."""

    bytes: int
    recordings: int


def look_at_spool(folder: Path) -> Spooled:
    """Blocking: called in a thread. Files that go meanwhile count for nothing."""
    size, recordings = 0, 0
    for path in folder.glob("*"):
        try:
            size += path.stat().st_size
        except OSError:
            continue
        recordings += path.suffix == META_SUFFIX
    return Spooled(size, recordings)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures are."""

    calls: Calls
    admission: Admission
    gauge: Gauge
    clock: Clock
    silero: Silero
    outbox: Outbox
    archive: Archive
    figures: Figures
    models: Models


class VoiceCollector(Collector):
    """All families. What the disk holds is looked at by `exposition`, which can wait for it."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self.spooled = Spooled(0, 0)

    def collect(self) -> Iterator[Metric]:
        yield from self._calls()
        yield from self._load()
        yield from self._activity()
        yield from self._line()
        yield from self._kept()
        yield from self._conversation()
        yield from self._models()
        yield from self._people()

    def _calls(self) -> Iterator[Metric]:
        calls, admission, figures = self._sources.calls, self._sources.admission, self._sources.figures
        yield _gauge("salesos_calls", "Calls let in and not over.", len(calls))
        yield _gauge("salesos_calls_with_audio", "Calls whose line is open.", calls.with_audio)
        yield _gauge("salesos_calls_capacity", "SALESOS_MAX_CALLS.", calls.capacity)
        yield _gauge("salesos_draining", "1 while the node lets go of its calls.", calls.draining)
        yield _counter("salesos_calls_admitted", "Calls let in.", admission.admitted)
        yield _counters("salesos_calls_refused", "Calls refused at the door.", "reason", admission.refused.items())
        yield _counter("salesos_calls_answered", "Calls that were picked up.", figures.answered)
        yield _counters("salesos_calls_ended", "Calls that are over.", "outcome", figures.outcomes.items())
        yield _counter("salesos_billable_seconds", "Seconds that calls are charged for.", figures.billable_s)
        yield _histogram("salesos_call_duration_seconds", "From the pick-up to the end.", figures.duration_s)

    def _load(self) -> Iterator[Metric]:
        load, clock = self._sources.gauge.load, self._sources.clock
        yield _gauge("salesos_load_level", "0 is idle; at 1 calls in progress begin to suffer.", load.level)
        yield _gauge("salesos_shedding", "0 nothing, 1 live taps, 2 waveform events, 3 new calls.", load.shedding)
        yield _gauge("salesos_call_cost_cores", "Of a core, what one call costs here.", self._sources.gauge.cost)
        lag = GaugeMetricFamily(
            "salesos_loop_lag_seconds", "How late the clock's newest ticks came.", labels=["quantile"]
        )
        for quantile in _QUANTILES:
            lag.add_metric([quantile], clock.late_ms.share(float(quantile)) / 1_000)
        yield lag
        yield _counter("salesos_ticks_missed", f"Ticks that came more than {TICK_S * 1000:.0f} ms late.", clock.missed)

    def _activity(self) -> Iterator[Metric]:
        silero = self._sources.silero
        yield _histogram("salesos_vad_batch_seconds", "Time the network took for a batch.", silero.batch_s)
        yield _histogram("salesos_vad_batch_windows", "Windows in a batch.", silero.batch_windows)
        delay_s = silero.delay_ms.share(0.95) / 1_000
        yield _gauge("salesos_vad_delay_p95_seconds", "From a window's arrival to its probability.", delay_s)
        yield _counter("salesos_vad_windows_dropped", "Windows nobody looked at: too many waited.", silero.dropped)

    def _line(self) -> Iterator[Metric]:
        live = self._sources.calls.live()
        # From the ended ones' sum, so that a counter never falls when a call ends.
        counts = Counts(**{name: getattr(self._sources.figures.over, name) for name in Counts.__slots__})
        for call in live:
            counts.add(call)
        yield _counter("salesos_frames_received", "Frames from the carrier, 20 ms each.", counts.frames)
        yield _counter("salesos_frame_gaps", "Gaps in them, by the carrier's stamps.", counts.gaps)
        jitters = sorted(call.room.timeline.jitter_ms / 1_000 for call in live if call.room.timeline.started)
        jitter = GaugeMetricFamily(
            "salesos_jitter_seconds", "Of the live calls' frames (RFC 3550).", labels=["quantile"]
        )
        for quantile in (*_QUANTILES, "1"):
            place = min(len(jitters) - 1, int(float(quantile) * len(jitters)))
            jitter.add_metric([quantile], jitters[place] if jitters else 0.0)
        yield jitter
        yield _counter("salesos_underruns", "The agent fell silent in mid-reply: we were late.", counts.underruns)
        yield _counter("salesos_replies_ran_dry", "The same, whoever was late.", counts.dry)
        yield _counter("salesos_messages_dropped", "To the carrier, which did not take them.", counts.dropped_messages)
        yield _counter("salesos_recording_late_samples", "Came after their place was written.", counts.late_samples)
        yield _counter("salesos_signals_dropped", "A call's full queue lost them.", counts.dropped_signals)

    def _kept(self) -> Iterator[Metric]:
        live = sum(call.line_opened_at is not None for call in self._sources.calls.live())
        yield _gauge("salesos_spool_bytes", "Recordings on the node's own disk.", self.spooled.bytes)
        waiting = max(0, self.spooled.recordings - live)
        yield _gauge("salesos_recordings_waiting", "Ended calls' recordings that are not in the store yet.", waiting)
        writer, uploader = self._sources.archive.writer, self._sources.archive.uploader
        yield _gauge("salesos_recording_disk_stuck", "1 while the disk answers no write.", writer.stuck)
        yield _counter("salesos_segments_stored", "Minutes of running calls that are in the store.", uploader.segments)
        yield _gauge("salesos_store_up", "1 while the store takes what it is sent.", uploader.store_up)
        yield _gauge("salesos_events_waiting", "Events that are not in Redis yet.", self._sources.outbox.waiting)
        yield _gauge("salesos_redis_up", "1 while events reach Redis.", self._sources.outbox.redis_up)

    def _conversation(self) -> Iterator[Metric]:
        figures = self._sources.figures
        yield _histogram(
            "salesos_response_seconds",
            "From the caller's last voiced sample to the answer's first.",
            figures.response_s,
        )
        stages = HistogramMetricFamily(
            "salesos_stage_seconds", "Each stage of an answer since the caller's last voiced sample.", labels=["stage"]
        )
        for stage, histogram in figures.stage_s.items():
            stages.add_metric([stage], histogram.cumulative(), histogram.sum)
        yield stages
        yield _histogram(
            "salesos_barge_in_seconds", "From the caller's first voiced sample to silence.", figures.barge_in_s
        )

    def _models(self) -> Iterator[Metric]:
        figures = self._sources.figures
        for name, meaning, labels, counts in (
            ("requests", "Requests to language models that are over.", ("provider", "fate"), figures.model_requests),
            ("failures", "Those that failed.", ("provider", "failure"), figures.model_failures),
            ("tokens", "Tokens of prompts and answers.", ("provider", "fate"), figures.model_tokens),
            ("cost_millicredits", "By the price table.", ("provider", "fate"), figures.model_cost_milli),
        ):
            family = CounterMetricFamily(f"salesos_model_{name}", meaning, labels=labels)
            for key, count in counts.items():
                family.add_metric(key, float(count))
            yield family
        yield _histogram("salesos_model_first_token_seconds", "Since the request.", figures.first_token_s)
        share = self._sources.models.fallback_share
        yield _gauge("salesos_model_fallback_share", "Of the last 200 answers, not the first model's.", share)

    def _people(self) -> Iterator[Metric]:
        people = self._sources.figures.people
        yield _gauge("salesos_people_pages", "Sockets of people at calls.", people.pages)
        yield _gauge("salesos_people_legs", "People who hear a call by WebRTC.", people.legs)
        yield _counters("salesos_people_refused", "Sockets not let in.", "reason", people.refused.items())
        yield _counters("salesos_people_sent_away", "People taken out of calls.", "reason", people.sent_away.items())
        yield _counter("salesos_people_legs_connected", "Peer connections that stood.", people.legs_connected)
        yield _counters("salesos_people_legs_failed", "Those that never did.", "reason", people.legs_failed.items())
        yield _counter("salesos_people_feed_shed", "Messages that slow pages went without.", people.shed)
        yield _counter("salesos_people_live_dropped", "Entries that Redis did not take.", people.live_dropped)
        yield _counter("salesos_people_datagrams_refused", "Of strangers, or broken.", people.datagrams_refused)


def exposition(collector: VoiceCollector) -> bytes:
    """Return all figures as text."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(collector)
    return generate_latest(registry)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=float(value))


def _by_quantile(name: str, meaning: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=["quantile"])


def _counter(name: str, meaning: str, value: float) -> Metric:
    return CounterMetricFamily(name, meaning, value=float(value))


def _counters(name: str, meaning: str, label: str, values: Iterable[tuple[str, int]]) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=[label])
    for key, value in values:
        family.add_metric([key], float(value))
    return family


def _histogram(name: str, meaning: str, histogram: Histogram) -> Metric:
    return HistogramMetricFamily(name, meaning, buckets=histogram.cumulative(), sum_value=histogram.sum)
