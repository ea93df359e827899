"""Media Streams frames byte for byte, and every frame that a server may send."""

import base64
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.carrier import stream_wire

WRITER_IDS = ("AC1", "CA1", "MZ1")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {"event": st.sampled_from(["media", "mark", "clear", "x"]), "streamSid": st.just("MZ1")},
    optional={"media": JSON, "mark": JSON},
)


def test_messages_are_the_vendors() -> None:
    writer = stream_wire.Writer(*WRITER_IDS)
    assert json.loads(stream_wire.CONNECTED) == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert json.loads(writer.start({"k": "v"})) == {
        "event": "start",
        "sequenceNumber": "1",
        "start": {
            "accountSid": "AC1",
            "streamSid": "MZ1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"k": "v"},
        },
        "streamSid": "MZ1",
    }
    frame = writer.media(b"\xff" * 160, 0)
    assert json.loads(frame) == {
        "event": "media",
        "sequenceNumber": "2",
        "media": {
            "track": "inbound",
            "chunk": "1",
            "timestamp": "0",
            "payload": base64.b64encode(b"\xff" * 160).decode(),
        },
        "streamSid": "MZ1",
    }
    assert json.loads(writer.dtmf("5")) == {
        "event": "dtmf",
        "streamSid": "MZ1",
        "sequenceNumber": "3",
        "dtmf": {"track": "inbound_track", "digit": "5"},
    }
    assert json.loads(writer.mark('say "x"')) == {
        "event": "mark",
        "sequenceNumber": "4",
        "streamSid": "MZ1",
        "mark": {"name": 'say "x"'},
    }
    assert json.loads(writer.media(b"", 20))["media"]["chunk"] == "2"
    assert json.loads(writer.stop()) == {
        "event": "stop",
        "sequenceNumber": "6",
        "stop": {"accountSid": "AC1", "callSid": "CA1"},
        "streamSid": "MZ1",
    }


def test_reads_what_a_server_may_say() -> None:
    assert stream_wire.read('{"event":"media","streamSid":"MZ1","media":{"payload":"//8="}}', "MZ1") == (
        stream_wire.Media(b"\xff\xff")
    )
    assert stream_wire.read('{"event":"mark","streamSid":"MZ1","mark":{"name":"x"}}', "MZ1") == stream_wire.Mark("x")
    assert stream_wire.read('{"event":"clear","streamSid":"MZ1"}', "MZ1") == stream_wire.Clear()


@pytest.mark.parametrize(
    "frame",
    [
        b"\x00",
        "",
        "[]",
        "{",
        '{"event":"clear"}',
        '{"event":"clear","streamSid":"MZ2"}',
        '{"event":"stop","streamSid":"MZ1"}',
        '{"event":"media","streamSid":"MZ1","media":{"payload":"%"}}',
        '{"event":"media","streamSid":"MZ1","media":{}}',
        '{"event":"mark","streamSid":"MZ1","mark":{"name":1}}',
        "[" * 100_000,
    ],
)
def test_anything_else_is_invalid(frame: str | bytes) -> None:
    with pytest.raises(stream_wire.InvalidMessage):
        stream_wire.read(frame, "MZ1")


@given(st.text() | st.binary() | JSON.map(json.dumps) | NEARLY.map(json.dumps))
def test_no_third_outcome(frame: str | bytes) -> None:
    with contextlib.suppress(stream_wire.InvalidMessage):
        stream_wire.read(frame, "MZ1")
