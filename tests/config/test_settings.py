"""Settings: every fault at once, by its name, never its value (S3)."""

import pytest

from config.settings import BadSettings, Settings, read_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))


def faults(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings) as caught:
        read_settings()
    return caught.value.faults


def test_nothing_set_is_good() -> None:
    settings = read_settings()
    assert settings.uses_box_carrier
    assert settings.public_address == "http://127.0.0.1:8701"
    assert settings.store_address.startswith("file:///")


def test_every_fault_is_listed_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    found = faults(
        monkeypatch, SALESOS_CRM_PORT="eighty-secret", SALESOS_PUBLIC_URL="ftp://secret", SALESOS_MAX_CALLS="0"
    )
    assert {fault.split(":")[0] for fault in found} == {"SALESOS_CRM_PORT", "SALESOS_PUBLIC_URL", "SALESOS_MAX_CALLS"}
    assert not any("secret" in fault for fault in found)


def test_development_secrets_stay_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SALESOS_SECRET_KEY" in faults(monkeypatch, SALESOS_HOST="0.0.0.0")[0]  # noqa: S104 - what is refused


def test_signatures_cannot_be_off_for_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    long_key = "k" * 40
    found = faults(
        monkeypatch,
        SALESOS_HOST="0.0.0.0",  # noqa: S104 - what is refused
        SALESOS_SECRET_KEY=long_key,
        SALESOS_INTERNAL_KEY=long_key,
        SALESOS_CHECK_SIGNATURES="false",
    )
    assert "SALESOS_CHECK_SIGNATURES" in found[0]


def test_a_real_carrier_needs_its_account(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "SALESOS_TWILIO_ACCOUNT_SID" in faults(monkeypatch, SALESOS_CARRIER_URL="https://api.example.com")[0]


def test_secrets_do_not_show() -> None:
    settings = Settings(secret_key="tell-nobody", twilio_auth_token="nor-this")
    assert "tell-nobody" not in repr(settings)
    assert "nor-this" not in str(settings)


def test_what_a_process_cannot_do_without_is_named() -> None:
    with pytest.raises(BadSettings, match="SALESOS_REDIS_URL"):
        read_settings().need("redis_url")


@pytest.mark.parametrize("name", ["gpt-4o", "openai:", ":x"])
def test_a_sentiment_model_names_its_provider(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    [fault] = faults(monkeypatch, SALESOS_SENTIMENT_MODEL=name)
    assert fault.startswith("SALESOS_SENTIMENT_MODEL: must be PROVIDER:MODEL")
