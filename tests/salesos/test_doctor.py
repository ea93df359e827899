"""The doctor: faults have remedies, and each is found on a machine that has it."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import Settings
from salesos import doctor, doctor_carrier, health_watch
from salesos.data_folder import DataFolder
from salesos.embedded.engine import free_port
from salesos.embedded.postgres import PostgresAddresses
from salesos.finding import Finding, Level


def settings(tmp_path: Path, **changes: object) -> Settings:
    values = {name: free_port() for name in ("crm_port", "voice_port", "carrier_port")}
    return Settings(data_dir=tmp_path / "data", **(values | changes))  # type: ignore[arg-type]  # values are per setting


def levels(findings: Iterator[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


def test_this_machine_can_run_it(tmp_path: Path) -> None:
    found = list(doctor.findings(settings(tmp_path), carrier=False))
    assert [finding for finding in found if finding.level is Level.FAULT] == []
    names = {finding.name for finding in found}
    assert {"python", "uv", "silero_vad.onnx", "ports", "disk", "memory", "postgres", "redis", "sox"} <= names


def test_a_folder_without_a_whisper_model_is_a_fault_that_names_what_is_missing(tmp_path: Path) -> None:
    assert not list(doctor.check_whisper(settings(tmp_path)))
    (finding,) = doctor.check_whisper(settings(tmp_path, whisper_model=str(tmp_path)))
    assert finding.level is Level.FAULT
    assert "SALESOS_WHISPER_MODEL" in finding.detail
    assert "model.bin" in finding.detail


def test_every_fault_and_hint_has_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for finding in doctor.findings(settings(tmp_path), carrier=False):
        assert (finding.remedy == "") == (finding.level is Level.OK)


def test_a_busy_port_is_a_fault_unless_it_is_ours(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        busy = settings(tmp_path, crm_port=server.getsockname()[1])
        (finding,) = doctor.check_ports(busy)
        assert finding.level is Level.FAULT
        assert "SALESOS_CRM_PORT" in finding.remedy
        folder = DataFolder(busy.data_dir)
        folder.claim(fresh=False)
        assert levels(doctor.check_ports(busy)) == [Level.OK]
        folder.release()


def test_a_folder_with_other_files_is_a_fault(tmp_path: Path) -> None:
    assert levels(doctor.check_folder(settings(tmp_path))) == [Level.OK]
    (tmp_path / "data").mkdir()
    assert levels(doctor.check_folder(settings(tmp_path))) == [Level.OK]
    (tmp_path / "data" / "thesis.txt").write_text("")
    assert levels(doctor.check_folder(settings(tmp_path))) == [Level.FAULT]


@pytest.mark.parametrize(("free_mb", "level"), [(10, Level.FAULT), (700, Level.HINT), (9_000, Level.OK)])
def test_sizes(free_mb: int, level: Level) -> None:
    assert doctor._by_size("disk", free_mb, 500, 5_000, "make room").level is level


def test_own_services_are_asked(tmp_path: Path, postgres: PostgresAddresses, redis_url: str) -> None:
    own = settings(tmp_path, database_url=SecretStr(postgres.app_url), redis_url=SecretStr(redis_url))
    assert levels(doctor.check_engines(own)) == [Level.OK, Level.OK]
    nowhere = f"127.0.0.1:{free_port()}"
    away = settings(
        tmp_path,
        database_url=SecretStr(f"postgresql+psycopg://app:secret@{nowhere}/salesos"),
        redis_url=SecretStr(f"redis://:secret@{nowhere}/0"),
    )
    found = list(doctor.check_engines(away))
    assert [finding.level for finding in found] == [Level.FAULT, Level.FAULT]
    assert "secret" not in str(found)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The carrier in a box as a process of its own."""
    folder = tmp_path_factory.mktemp("box")
    port = free_port()
    environment = dict(os.environ) | {"SALESOS_CARRIER_PORT": str(port), "SALESOS_DATA_DIR": str(folder)}
    with subprocess.Popen([sys.executable, "-m", "salesos", "carrier"], env=environment, cwd=folder) as process:
        assert health_watch.wait_until(f"http://127.0.0.1:{port}/health/live", 30)
        yield settings(folder, carrier_port=port)
        process.terminate()


def test_the_carrier_accepts_its_own_account(box: Settings) -> None:
    client = doctor_carrier.client_of(box)
    assert doctor_carrier.check_account(client, box).level is Level.OK
    assert doctor_carrier.check_number(client, box).level in (Level.OK, Level.HINT)


def test_wrong_credentials_are_told_from_no_answer(box: Settings) -> None:
    wrong = box.model_copy(update={"twilio_auth_token": SecretStr("wrong")})
    refused = doctor_carrier.check_account(doctor_carrier.client_of(wrong), wrong)
    assert (refused.level, "SALESOS_TWILIO_AUTH_TOKEN" in refused.remedy) == (Level.FAULT, True)
    away = box.model_copy(update={"carrier_port": free_port()})
    silent = doctor_carrier.check_account(doctor_carrier.client_of(away), away)
    assert (silent.level, "does not answer" in silent.detail) == (Level.FAULT, True)


def test_an_address_that_the_carrier_cannot_reach_is_a_fault(tmp_path: Path) -> None:
    account = {"twilio_account_sid": "AC1", "twilio_auth_token": SecretStr("token")}
    real = settings(tmp_path, carrier_url="https://api.example.com", **account)
    loopback = doctor_carrier.check_public_address(real)
    assert (loopback.level, "cannot reach it" in loopback.detail) == (Level.FAULT, True)
    plain = real.model_copy(update={"public_url": "http://voice.example.com"})
    assert "not https" in doctor_carrier.check_public_address(plain).detail


def test_an_address_where_nobody_listens_or_somebody_else_does_is_a_fault(box: Settings) -> None:
    assert "does not answer" in doctor_carrier.check_public_address(box).detail
    # The box has no webhook routes: whatever it answers, it is not the voice process.
    other = box.model_copy(update={"voice_port": box.carrier_port})
    assert doctor_carrier.check_webhook_signature(other).level is Level.FAULT
