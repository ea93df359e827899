"""The setting that lists pipecat services, and what it says when it cannot be read."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pipecat_bridge.services import BadServices, read_services

DEEPGRAM = "pipecat.services.deepgram.stt.DeepgramSTTService"


def test_a_service_is_read_with_all_that_it_has() -> None:
    text = {"ear": {"service": DEEPGRAM, "arguments": {"api_key": "k"}, "settings": {"model": "m"}, "ulaw": True}}
    service = read_services(json.dumps(text))["ear"]
    assert (service.name, service.service, service.ulaw) == ("ear", DEEPGRAM, True)
    assert (service.arguments, service.settings) == ({"api_key": "k"}, {"model": "m"})


def test_a_path_may_be_the_name() -> None:
    assert read_services(json.dumps({DEEPGRAM: {}}))[DEEPGRAM].service == DEEPGRAM


@pytest.mark.parametrize("text", ["", "  ", "{}"])
def test_none_is_none(text: str) -> None:
    assert not read_services(text)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[", "SALESOS_PIPECAT_SERVICES: "),
        ("[]", "object"),
        ('{"ear": 3}', "ear|[.][.][.]"),
        ('{"ear": {"servic": "a.B"}}', "servic"),
        ('{"ear": {"service": "a.B", "arguments": []}}', "arguments"),
        ('{"ear": {}}', "'ear' is not a module and a class"),
        ('{"ear": {"service": "os; import x.Y"}}', "ear: .* is not a module and a class"),
        ('{"ear": {"service": ".B"}}', "is not a module and a class"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, named: str) -> None:
    with pytest.raises(BadServices, match=named) as bad:
        read_services(text)
    assert str(bad.value).startswith("SALESOS_PIPECAT_SERVICES")


@given(st.text() | st.dictionaries(st.text(), st.dictionaries(st.text(), st.text())).map(json.dumps))
def test_any_text_is_services_or_one_error(text: str) -> None:
    try:
        services = read_services(text)
    except BadServices:
        return
    assert all("." in service.service for service in services.values())


def test_speech_that_is_kept_is_of_the_service_as_it_is_now() -> None:
    ears = [read_services(json.dumps({"ear": {"service": DEEPGRAM, "settings": {"voice": voice}}})) for voice in "aab"]
    one, same, other = (ear["ear"].fingerprint for ear in ears)
    assert one == same != other


def test_keys_are_not_shown() -> None:
    service = read_services(json.dumps({"ear": {"service": DEEPGRAM, "arguments": {"api_key": "secret"}}}))["ear"]
    assert "secret" not in repr(service)


def test_a_voice_process_without_a_bridged_service_does_not_import_pipecat() -> None:
    code = "import sys, telephony.app; sys.exit(any(name.partition('.')[0] == 'pipecat' for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
