"""Files are read without a system; ids need one, and say so."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from bench.system_api import SystemApi, SystemRefused
from bench.turn_table.reading import of_call, tables_of
from bench.turn_table.sound import NoRecording
from tests.bench.turn_table.test_sound import wav

CALL = "01a20881-7535-745b-a16b-cb3f2c7c4bf9"
TURNS = [{"speaker": "agent", "heard_text": "hello", "started_ms": 0, "ended_ms": 4_000}]


async def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.wav").write_bytes(wav(2))
    found = await tables_of([str(tmp_path / "b.wav"), str(tmp_path / "a.wav")], tmp_path)
    assert [table.name for table in found] == ["b", "a"]


async def test_a_file_that_is_not_there_or_no_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoRecording, match=r"nowhere\.wav: No such file"):
        await tables_of([str(tmp_path / "nowhere.wav")], tmp_path)
    (tmp_path / "note.wav").write_bytes(b"a note")
    with pytest.raises(NoRecording, match="note: it cannot be played"):
        await tables_of([str(tmp_path / "note.wav")], tmp_path)


async def test_an_id_without_a_running_system_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoRecording, match="start it with `salesos up`"):
        await tables_of([CALL], tmp_path)


def crm_with(summary: dict[str, Any]) -> SystemApi:
    """Return access to what a CRM answers for one call."""
    app = FastAPI()

    @app.get("/api/calls/{call_id}")
    async def call(call_id: str) -> dict[str, Any]:
        return {"data": summary}

    @app.get("/api/calls/{call_id}/recording")
    async def link(call_id: str) -> dict[str, Any]:
        return {"data": {"url": "/recordings/ticket"}}

    @app.get("/recordings/ticket")
    async def recording() -> Response:
        return Response(wav(2)) if summary["turns"] else Response(status_code=410)

    crm = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://crm")
    return SystemApi(crm, crm)


async def test_a_calls_recording_is_compared_with_its_turns() -> None:
    table = await of_call(CALL, crm_with({"recording": {"duration_s": 1}, "turns": TURNS}))
    assert table.name == CALL
    assert [one.text for one in table.differences] == [
        "0.00: the caller is heard for 1000 ms, in no turn",
        "0.00: the agent's “hello” ends 3000 ms after its sound",
    ]


async def test_a_call_without_a_recording_says_so() -> None:
    with pytest.raises(NoRecording, match="has no recording"):
        await of_call(CALL, crm_with({"recording": None, "turns": []}))
    with pytest.raises(SystemRefused, match="status 410"):
        await of_call(CALL, crm_with({"recording": {"duration_s": 1}, "turns": []}))
