"""The wire format of Media Streams, on the carrier's own examples and on whatever a peer may send."""

import base64
import contextlib
import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.mutate import all_kinds, damaged
from telephony.twilio import messages

CAPTURES = Path(__file__).parents[2] / "data" / "stream"  # each once broke a server

START = {
    "event": "start",
    "sequenceNumber": "1",
    "start": {
        "accountSid": "AC0",
        "streamSid": "MZ18ad3ab5a668481ce02b83e7395059f0",
        "callSid": "CA123",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"k": "v"},
    },
    "streamSid": "MZ18ad3ab5a668481ce02b83e7395059f0",
}
MEDIA = {
    "event": "media",
    "sequenceNumber": "2",
    "media": {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": base64.b64encode(b"\xff" * 160).decode()},
    "streamSid": "MZ0",
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
NEARLY = st.fixed_dictionaries(
    {"event": st.sampled_from(["media", "start", "mark", "dtmf", "stop", "connected", "new"])},
    optional={"media": JSON, "start": JSON, "mark": JSON, "dtmf": JSON, "stop": JSON, "sequenceNumber": JSON},
)


def test_start_is_read() -> None:
    assert messages.parse(json.dumps(START)) == messages.Started(
        "MZ18ad3ab5a668481ce02b83e7395059f0", "CA123", {"k": "v"}
    )


def test_audio_is_read_with_the_carriers_stamp() -> None:
    assert messages.parse(json.dumps(MEDIA)) == messages.AudioArrived(b"\xff" * 160, 5)


@pytest.mark.parametrize(
    ("frame", "event"),
    [
        ({"event": "mark", "mark": {"name": "3:1"}}, messages.MarkPlayed("3:1")),
        ({"event": "dtmf", "dtmf": {"track": "inbound_track", "digit": "#"}}, messages.KeyPressed("#")),
        ({"event": "stop", "stop": {"accountSid": "AC0", "callSid": "CA1"}}, messages.Stopped("CA1")),
        ({"event": "connected", "protocol": "Call", "version": "1.0.0"}, None),
        ({"event": "some-new-kind", "new": 1}, None),
    ],
)
def test_other_kinds(frame: dict[str, object], event: messages.Event | None) -> None:
    assert messages.parse(json.dumps(frame)) == event


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"media": {**MEDIA["media"], "timestamp": "-1"}}, "media.timestamp"),  # type: ignore[dict-item]  # a test's literal
        ({"media": {**MEDIA["media"], "timestamp": "9" * 15}}, "media.timestamp"),  # type: ignore[dict-item]  # likewise
        ({"media": {**MEDIA["media"], "payload": "$$$"}}, "media.payload"),  # type: ignore[dict-item]  # likewise
        ({"media": None}, "ValidationError media"),
        ({"event": "mark", "mark": {}}, "ValidationError mark"),
    ],
)
def test_what_no_carrier_sends_is_named(change: dict[str, object], why: str) -> None:
    with pytest.raises(messages.BadTwilioMessage, match=why):
        messages.parse(json.dumps({**MEDIA, **change}))


def test_a_frame_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(messages.BadTwilioMessage, match="too long"):
        messages.parse(" " * (messages.FRAME_CHARS_MAX + 1))


def test_another_audio_format_is_refused() -> None:
    start = json.loads(json.dumps(START))
    start["start"]["mediaFormat"]["sampleRate"] = 16000
    with pytest.raises(messages.BadTwilioMessage, match="mu-law"):
        messages.parse(json.dumps(start))


def test_what_we_send_is_the_vendors_form() -> None:
    assert json.loads(messages.media("MZ1", b"\x00\xff")) == {
        "event": "media",
        "streamSid": "MZ1",
        "media": {"payload": "AP8="},
    }
    assert json.loads(messages.mark("MZ1", "0:7")) == {"event": "mark", "streamSid": "MZ1", "mark": {"name": "0:7"}}
    assert json.loads(messages.clear("MZ1")) == {"event": "clear", "streamSid": "MZ1"}


@given(st.text() | st.binary().map(lambda raw: raw) | JSON.map(json.dumps) | NEARLY.map(json.dumps))
def test_any_frame_yields_an_event_or_one_error(frame: str | bytes) -> None:
    """Whatever the peer sends, parse() has no third outcome."""
    with contextlib.suppress(messages.BadTwilioMessage):
        messages.parse(frame)


@pytest.mark.parametrize("path", sorted(CAPTURES.iterdir()), ids=lambda path: path.name)
def test_frames_that_once_did_harm_are_refused(path: Path) -> None:
    with pytest.raises(messages.BadTwilioMessage):
        messages.parse(path.read_bytes())


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_good_messages_that_were_damaged_yield_an_event_or_one_error(seed: int) -> None:
    with contextlib.suppress(messages.BadTwilioMessage):
        messages.parse(damaged(all_kinds(), Random(seed)))  # noqa: S311 - chance for a test
