"""The control API: who may use it, what it refuses, and that the exchange's memory has bounds."""

import pytest

from telephony.carrier import exchange as exchange_module
from telephony.carrier.exchange import Seat
from tests.telephony.carrier.conftest import FROM, TO, Box


async def test_health_and_personas(box: Box) -> None:
    assert (await box.http.get("/health/live")).json() == {"status": "ok", "live_calls": 0}
    personas = (await box.http.get("/box/personas")).json()
    assert personas["busy"]["how"] == "busy"
    assert personas["player"]["needs_file"]


async def test_refuses_what_makes_no_sense(box: Box) -> None:
    for path, body, status in (
        ("/box/lines", {"number": TO, "persona": "nobody"}, 400),
        ("/box/lines", {"number": "12", "persona": "busy"}, 422),
        ("/box/lines", {"number": TO, "persona": "busy", "x": 1}, 422),
        ("/box/faults", {"duplicate": 2}, 422),
        ("/box/faults", {"end_as": "bored"}, 422),
    ):
        assert (await box.http.post(path, json=body)).status_code == status, body


async def test_unknown_calls_and_sounds_are_not_found(box: Box) -> None:
    for path in ("CA0", "CA0/heard.wav", "CA0/other.wav"):
        assert (await box.http.get(f"/box/calls/{path}")).status_code in (404, 422)


async def test_the_networks_answer_can_be_forced_and_mended(box: Box) -> None:
    await box.break_something(end_as="failed")
    form = {"To": TO, "From": FROM, "Twiml": "<Response/>"}
    sid = (await box.post(f"{box.calls_path}.json", form)).json()["sid"]
    await box.quiet()
    truth = await box.truth(sid)
    assert (truth["status"], truth["ended_by"]) == ("failed", "network")
    assert len((await box.http.get("/box/faults")).json()) == 1
    assert (await box.http.delete("/box/faults")).status_code == 204
    assert (await box.http.get("/box/faults")).json() == []


async def test_old_calls_and_their_sound_are_forgotten(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "FINISHED_MAX", 2)
    form = {"To": TO, "From": FROM, "Twiml": "<Response/>"}
    sids = []
    for _ in range(4):
        sids.append((await box.post(f"{box.calls_path}.json", form)).json()["sid"])
        await box.quiet()
    assert [call.sid for call in box.exchange.calls()] == sids[:1:-1]
    kept = {path.name.split(".")[0] for path in (box.settings.data_dir / "carrier").iterdir()}
    assert kept == set(sids[2:])


async def test_a_persona_whose_file_has_gone_fails_its_call(box: Box) -> None:
    wav = box.settings.data_dir / "gone.wav"
    wav.parent.mkdir(parents=True, exist_ok=True)
    wav.touch()
    box.exchange.seat(TO, Seat("player", wav))
    form = {"To": TO, "From": FROM, "Twiml": "<Response/>"}
    sid = (await box.post(f"{box.calls_path}.json", form)).json()["sid"]
    await box.quiet()
    truth = await box.truth(sid)
    assert truth["status"] == "failed"
    assert "gone.wav" in truth["errors"][0]["text"]
