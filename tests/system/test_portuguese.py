"""Calls in Portuguese: the recogniser is Deepgram, by the vendor's SDK, at a server that hears the personas."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bench.personas import faults
from bench.portuguese_personas import AGENT, PORTUGUESE, hearing_portuguese, settings_for
from bench.system_api import SystemApi
from salesos import summary as summary_module
from salesos.call import CallFailed, Request, place_and_follow
from salesos.data_folder import Running
from salesos.screen import Screen
from tests.system.running import start_up
from tests.system.table import BETWEEN_DIALS_S
from tests.system.test_personas import said

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with hearing_portuguese() as providers:
        settings = {f"SALESOS_{name}": value for name, value in settings_for(providers).items()}
        with start_up(tmp_path_factory.mktemp("portuguese"), settings=settings) as up:
            yield up.wait_until_ready()


@pytest.fixture(scope="module")
def calls(running: Running) -> Mapping[str, dict[str, Any]]:
    async def make_agent() -> None:
        async with SystemApi.signed_in(running.crm, running.carrier, running.email, running.password) as api:
            await api.make_agent(AGENT)

    asyncio.run(make_agent())

    def place(persona: str) -> dict[str, Any]:
        # In the order in which the recogniser's server has made their lines: see bench/providers/persona_lines.py.
        time.sleep(BETWEEN_DIALS_S * tuple(PORTUGUESE).index(persona))
        request = Request(persona=persona, agent=str(AGENT["name"]))
        return place_and_follow(running, request, Screen(to_stderr=True), time.sleep)

    with ThreadPoolExecutor(len(PORTUGUESE)) as pool:
        return dict(zip(PORTUGUESE, pool.map(place, PORTUGUESE), strict=True))


@pytest.mark.parametrize("persona", PORTUGUESE)
def test_a_call_in_portuguese_ends_as_its_person_wants(persona: str, calls: Mapping[str, dict[str, Any]]) -> None:
    summary = calls[persona]
    assert faults(summary, PORTUGUESE[persona]) == [], said(summary)
    assert summary_module.faults(summary) == []


def test_what_was_said_stands_in_the_transcript_with_its_accents(calls: Mapping[str, dict[str, Any]]) -> None:
    turns = calls["portuguese"]["turns"]
    assert [turn["heard_text"] for turn in turns if turn["speaker"] == "caller"] == [
        "Alô?",
        "Tenho sim, pode falar.",
        "Sou eu mesmo.",
        "Pode ser, sim.",
        "Amanhã às dez.",
    ], said(calls["portuguese"])
    spoken = " ".join(turn["heard_text"] for turn in turns if turn["speaker"] == "agent")
    assert "Esta ligação está sendo gravada." in spoken
    assert "sua reunião está marcada para amanhã às dez." in spoken
    assert not any(turn["interrupted"] for turn in turns), "assent stops nobody"


def test_an_agent_that_is_not_there_is_named(running: Running) -> None:
    with pytest.raises(CallFailed, match="no active agent 'Zé'"):
        place_and_follow(running, Request(persona="eager", agent="Zé"), Screen(to_stderr=True), time.sleep)
