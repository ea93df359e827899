"""Whole calls between the carrier and a server that speaks our side of the protocol, on real sockets."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from telephony.carrier import ulaw
from tests.telephony.carrier.conftest import TO, Box
from tests.telephony.carrier.customer import Customer, Talk

SOUND = ulaw.encode((np.sin(np.arange(4_800) / 3) * 8_000).astype(np.int16))  # 600 ms


def connect(customer: Customer, after: str = "") -> str:
    callback = f"{customer.address}/status"
    return (
        f'<Response><Connect><Stream url="{customer.stream_address}" statusCallback="{callback}">'
        f'<Parameter name="call_id" value="17"/></Stream></Connect>{after}</Response>'
    )


async def ended(customer: Customer) -> dict[str, str]:
    await customer.until(lambda: any("CallDuration" in form for form in customer.statuses))
    return next(form for form in customer.statuses if "CallDuration" in form)


async def test_a_conversation_and_its_record(box: Box, customer: Customer) -> None:
    async def agent(talk: Talk) -> None:
        await talk.mark("at once")
        await talk.frames(60)
        await talk.play(SOUND)
        await talk.mark("played")
        await talk.until(lambda: len(talk.of("mark")) == 2)
        await talk.frames(150)
        await talk.socket.close(1000)

    await box.put("talker")
    customer.document, customer.behave = connect(customer), agent
    sid = await box.dial(customer)
    last = await ended(customer)
    talk = customer.talks[0]

    assert talk.headers["user-agent"] == "Twilio.TmeWs/1.0"
    assert {"origin", "sec-websocket-protocol", "sec-websocket-extensions"}.isdisjoint(talk.headers)
    assert [message["event"] for message in talk.messages[:2]] == ["connected", "start"]
    assert talk.messages[1]["start"]["customParameters"] == {"call_id": "17"}
    numbered = [int(message["sequenceNumber"]) for message in talk.messages[1:]]
    assert numbered == list(range(1, len(numbered) + 1))
    media = talk.of("media")
    assert [frame["media"]["timestamp"] for frame in media] == [str(20 * index) for index in range(len(media))]
    assert [frame["media"]["chunk"] for frame in media] == [str(index + 1) for index in range(len(media))]
    assert {len(frame["media"]["payload"]) for frame in media} == {216}
    assert [mark["mark"]["name"] for mark in talk.of("mark")] == ["at once", "played"]

    truth = await box.truth(sid)
    assert truth["status"] == "completed"
    assert truth["ended_by"] == "script"
    assert truth["errors"] == []
    assert [said["text"] for said in truth["utterances"]] == ["Hi.", "Yes."]
    (burst,) = truth["agent_audio"]
    assert burst["ended_ms"] - burst["started_ms"] == pytest.approx(600, abs=2)
    assert truth["marks"][1]["echoed_ms"] == pytest.approx(burst["ended_ms"], abs=21)
    answer = truth["utterances"][1]
    assert answer["started_ms"] - burst["ended_ms"] == pytest.approx(220, abs=40)
    assert truth["counters"]["bytes_played"] == len(SOUND)
    assert last["SipResponseCode"] == "200"
    sequence = [form["SequenceNumber"] for form in customer.statuses if "SequenceNumber" in form]
    assert sorted(sequence) == ["0", "1", "2", "3"]
    assert [form["StreamEvent"] for form in customer.statuses if "StreamEvent" in form] == [
        "stream-started",
        "stream-stopped",
    ]
    await _sound_is_where_the_record_says(box, sid, burst["started_ms"], answer["started_ms"])


async def _sound_is_where_the_record_says(box: Box, sid: str, heard_ms: float, said_ms: float) -> None:
    """The two recordings, sample by sample, against the times in the record."""
    await box.quiet()
    for side, at_ms in (("heard", heard_ms), ("said", said_ms)):
        response = await box.http.get(f"/box/calls/{sid}/{side}.wav")
        with wave.open(io.BytesIO(response.content)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8_000, 1, 2)
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        at = round(at_ms * 8)
        assert np.max(np.abs(pcm[at : at + 400])) > 1_000
        assert np.max(np.abs(pcm[at - 400 : at - 8])) < 400


async def test_clear_stops_the_agent_and_echoes_its_marks(box: Box, customer: Customer) -> None:
    async def agent(talk: Talk) -> None:
        await talk.play(SOUND * 3)
        await talk.mark("a")
        await talk.mark("b")
        await talk.frames(20)
        assert talk.of("mark") == []
        await talk.clear()
        await talk.until(lambda: len(talk.of("mark")) == 2)
        await talk.frames(40)
        await talk.socket.close(1000)

    customer.document, customer.behave = connect(customer), agent
    sid = await box.dial(customer)
    await ended(customer)
    truth = await box.truth(sid)
    (clear,) = truth["clears"]
    assert truth["agent_audio"][-1]["ended_ms"] == pytest.approx(clear["at_ms"], abs=1)
    assert [mark["cleared"] for mark in truth["marks"]] == [True, True]
    assert clear["dropped_ms"] == pytest.approx(1_800 - 400, abs=100)


async def test_hanging_up_by_rest_sends_stop(box: Box, customer: Customer) -> None:
    customer.document = connect(customer)
    sid = await box.dial(customer)
    await customer.until(lambda: bool(customer.talks and customer.talks[0].of("media")))
    response = await box.end(sid)
    assert response.json()["status"] == "completed"
    talk = customer.talks[0]
    await talk.until(lambda: talk.closed)
    assert talk.messages[-1]["event"] == "stop"
    assert talk.messages[-1]["stop"] == {"accountSid": box.settings.account_sid, "callSid": sid}
    assert (await box.truth(sid))["ended_by"] == "api"


async def test_the_callee_hangs_up(box: Box, customer: Customer) -> None:
    await box.put("leaver")
    customer.document = connect(customer)
    sid = await box.dial(customer)
    await ended(customer)
    assert (await box.truth(sid))["ended_by"] == "callee"
    assert customer.talks[0].messages[-1]["event"] == "stop"


async def test_keys_arrive_as_dtmf(box: Box, customer: Customer) -> None:
    await box.put("presser")
    customer.document = connect(customer)
    sid = await box.dial(customer)
    await customer.until(lambda: bool(customer.talks) and len(customer.talks[0].of("dtmf")) == 2)
    assert [key["dtmf"] for key in customer.talks[0].of("dtmf")] == [
        {"track": "inbound_track", "digit": "1"},
        {"track": "inbound_track", "digit": "#"},
    ]
    await box.end(sid)


async def test_after_the_socket_closes_the_next_verb_follows(box: Box, customer: Customer) -> None:
    async def agent(talk: Talk) -> None:
        if len(customer.talks) == 2:
            await talk.socket.close(1000)
        else:
            await talk.socket.close(1011)

    customer.document, customer.behave = connect(customer, "<Redirect>/voice</Redirect>"), agent
    sid = await box.dial(customer)
    await customer.until(lambda: len(customer.talks) >= 2)
    await box.end(sid)
    truth = await box.truth(sid)
    assert len(set(truth["streams"])) == len(truth["streams"]) >= 2
    assert [error["code"] for error in truth["errors"]][:1] == [31921]
    assert len(customer.voices) >= 2
    assert customer.voices[0]["CallStatus"] == "in-progress"


async def test_a_new_script_replaces_the_old_one(box: Box, customer: Customer) -> None:
    customer.document = connect(customer)
    sid = await box.dial(customer)
    await customer.until(lambda: bool(customer.talks and customer.talks[0].of("media")))
    response = await box.post(f"{box.calls_path}/{sid}.json", {"Twiml": "<Response><Say>Bye.</Say></Response>"})
    assert response.status_code == 200
    await ended(customer)
    truth = await box.truth(sid)
    assert customer.talks[0].messages[-1]["event"] == "stop"
    assert truth["ended_by"] == "script"
    assert len(truth["agent_audio"]) >= 1


@pytest.mark.parametrize(
    ("persona", "status", "sip", "rings"),
    [("busy", "busy", "486", True), ("away", "no-answer", "480", True), ("nowhere", "failed", "404", False)],
)
async def test_nobody_picks_up(box: Box, customer: Customer, persona: str, status: str, sip: str, rings: bool) -> None:
    await box.put(persona)
    await box.dial(customer, Timeout="1")
    last = await ended(customer)
    assert (last["CallStatus"], last["SipResponseCode"], last["CallDuration"]) == (status, sip, "0")
    assert bool(customer.of("ringing")) is rings
    assert customer.voices == []


async def test_canceled_while_it_rings(box: Box, customer: Customer) -> None:
    await box.put("away")
    sid = await box.dial(customer)
    await customer.until(lambda: bool(customer.of("ringing")))
    response = await box.post(f"{box.calls_path}/{sid}.json", {"Status": "canceled"})
    assert response.json()["status"] == "canceled"
    assert (await ended(customer))["SipResponseCode"] == "487"


async def test_time_limit_ends_the_call(box: Box, customer: Customer) -> None:
    customer.document = connect(customer)
    sid = await box.dial(customer, TimeLimit="1")
    assert (await ended(customer))["CallStatus"] == "completed"
    assert (await box.truth(sid))["ended_by"] == "time_limit"


@pytest.mark.parametrize(
    ("persona", "verdict"), [("talker", "human"), ("beeper", "machine_end_beep"), ("eager", "unknown")]
)
async def test_async_amd(box: Box, customer: Customer, persona: str, verdict: str) -> None:
    await box.put(persona)
    customer.document = connect(customer)
    sid = await box.dial(
        customer,
        MachineDetection="DetectMessageEnd",
        MachineDetectionSpeechEndThreshold="500",
        MachineDetectionSilenceTimeout="2000",
        AsyncAmd="true",
        AsyncAmdStatusCallback=f"{customer.address}/status",
    )
    await customer.until(lambda: bool(customer.of(verdict)))
    (form,) = customer.of(verdict)
    assert (form["CallSid"], form["AccountSid"]) == (sid, box.settings.account_sid)
    assert int(form["MachineDetectionDuration"]) > 0
    assert len(customer.talks) == 1  # it never held the script up
    await box.end(sid)


async def test_sync_amd_holds_the_script_back(box: Box, customer: Customer) -> None:
    await box.put("talker")
    sid = await box.dial(customer, MachineDetection="Enable", MachineDetectionSpeechEndThreshold="500")
    await ended(customer)
    assert customer.voices[0]["AnsweredBy"] == "human"
    assert (await box.truth(sid))["answered_by"] == "human"


async def test_a_script_that_cannot_be_had_ends_the_call(box: Box, customer: Customer) -> None:
    sid = await box.dial(customer, Url=f"{customer.address}/nowhere")
    assert (await ended(customer))["CallStatus"] == "completed"
    assert [error["code"] for error in (await box.truth(sid))["errors"]] == [11200]


async def test_an_unknown_verb_ends_the_call(box: Box, customer: Customer) -> None:
    customer.document = "<Response><Enqueue>support</Enqueue></Response>"
    sid = await box.dial(customer)
    await ended(customer)
    assert [error["code"] for error in (await box.truth(sid))["errors"]] == [12200]


@pytest.mark.parametrize(
    ("path", "code"), [("/stream?x=1", 31920), ("/elsewhere", 31920)], ids=["query string", "no such address"]
)
async def test_a_stream_that_cannot_connect(box: Box, customer: Customer, path: str, code: int) -> None:
    customer.document = connect(customer).replace("/stream", path)
    sid = await box.dial(customer)
    await ended(customer)
    assert [error["code"] for error in (await box.truth(sid))["errors"]] == [code]
    await customer.until(lambda: bool(customer.of("stream-error")))
    assert customer.of("stream-error")[0]["StreamError"] == str(code)


async def test_garbage_from_the_server_is_warned_of_once(box: Box, customer: Customer) -> None:
    async def agent(talk: Talk) -> None:
        await talk.socket.send_text("{")
        await talk.socket.send_bytes(b"\x00\x01")
        await talk.socket.send_json({"event": "clear", "streamSid": "MZ"})
        await talk.mark("still there")
        await talk.until(lambda: bool(talk.of("mark")))
        await talk.socket.close(1000)

    customer.document, customer.behave = connect(customer), agent
    sid = await box.dial(customer)
    await ended(customer)
    assert [error["code"] for error in (await box.truth(sid))["errors"]] == [31951]


async def test_a_cut_stream_ends_without_stop(box: Box, customer: Customer) -> None:
    await box.break_something(number=TO, cut_stream_after_ms=200)
    customer.document = connect(customer)
    sid = await box.dial(customer)
    await ended(customer)
    (talk,) = customer.talks
    await talk.until(lambda: talk.closed)
    assert talk.of("stop") == []
    assert [error["code"] for error in (await box.truth(sid))["errors"]] == [31921]


async def test_callbacks_twice_and_out_of_order(box: Box, customer: Customer) -> None:
    await box.break_something(number=TO, duplicate=1.0, reorder=0.5, reorder_ms=300, seed=7)
    await box.put("busy")
    await box.dial(customer)
    await customer.until(lambda: len(customer.statuses) == 6)
    sequence = [form["SequenceNumber"] for form in customer.statuses]
    assert sorted(sequence) == ["0", "0", "1", "1", "2", "2"]
    assert sequence != sorted(sequence)
    assert len(set(customer.tokens)) == 3  # a repetition bears the event's own token


async def test_callbacks_are_tried_again_as_the_address_says(box: Box, customer: Customer) -> None:
    await box.put("busy")
    customer.failures = [500, 503]
    callback = f"{customer.address}/status"
    sid = await box.dial(customer, StatusCallback=f"{callback}#rc=2&rp=all", StatusCallbackEvent="completed")
    await customer.until(lambda: len(customer.statuses) == 3)
    assert len(set(customer.tokens)) == 1
    await box.quiet()
    assert (await box.truth(sid))["callbacks"][-1]["outcome"] == "204"

    customer.statuses.clear()
    customer.failures = [500]
    sid = await box.dial(customer, StatusCallbackEvent="completed")
    await customer.until(lambda: bool(customer.statuses))
    await box.quiet()
    assert len(customer.statuses) == 1
    assert [error["code"] for error in (await box.truth(sid))["errors"]] == [15003]


async def test_a_file_is_played_and_a_missing_one_refused(box: Box, customer: Customer, tmp_path: Path) -> None:
    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((np.sin(np.arange(8_000) / 5) * 9_000).astype("<i2").tobytes())
    response = await box.http.post("/box/lines", json={"number": TO, "persona": "player"})
    assert response.status_code == 400
    await box.put("player", wav_path=str(path))
    customer.document = connect(customer)
    sid = await box.dial(customer)
    await customer.until(lambda: bool(customer.talks) and len(customer.talks[0].of("media")) > 35)
    await box.end(sid)
    (said,) = (await box.truth(sid))["utterances"]
    assert (said["kind"], said["text"]) == ("play", "tone.wav")
    assert said["ended_ms"] - said["started_ms"] == pytest.approx(500, abs=3)
