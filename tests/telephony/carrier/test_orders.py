"""REST forms to orders, and the vendor's refusals by number."""

import pytest

from telephony.carrier.amd import AmdRules
from telephony.carrier.calls import Address, Event, Inline, Status
from telephony.carrier.errors import Refused
from telephony.carrier.orders import order_of, source_of, wish_of

GOOD = {"To": "+12025550101", "From": "+12025550100", "Url": "http://127.0.0.1:1/voice"}


def test_defaults_are_the_vendors() -> None:
    order = order_of(list(GOOD.items()))
    assert order.source == Address("http://127.0.0.1:1/voice", "POST")
    assert order.events == {Event.COMPLETED}
    assert (order.timeout_s, order.time_limit_s, order.amd) == (60, 14_400, None)


def test_all_that_we_use_is_taken() -> None:
    order = order_of(
        [
            *GOOD.items(),
            ("StatusCallback", "http://127.0.0.1:1/status"),
            ("StatusCallbackEvent", "initiated"),
            ("StatusCallbackEvent", "ringing answered"),
            ("Timeout", "30"),
            ("TimeLimit", "600"),
            ("MachineDetection", "DetectMessageEnd"),
            ("MachineDetectionSpeechEndThreshold", "900"),
            ("AsyncAmd", "true"),
            ("AsyncAmdStatusCallback", "http://127.0.0.1:1/amd"),
        ]
    )
    assert order.events == {Event.INITIATED, Event.RINGING, Event.ANSWERED}
    assert (order.timeout_s, order.time_limit_s) == (30, 600)
    assert order.amd == AmdRules(wait_for_message_end=True, speech_end_threshold_ms=900)
    assert order.async_amd


def test_inline_twiml_comes_before_an_address() -> None:
    assert source_of([*GOOD.items(), ("Twiml", "<Response/>")]) == Inline("<Response/>")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "12"}, 21211),
        ({"To": "+1 202 555 0101"}, 21211),
        ({"From": ""}, 21213),
        ({"From": "me"}, 21212),
        ({"Url": ""}, 21205),
        ({"Url": "ftp://a/b"}, 21205),
        ({"Url": "http://[::1"}, 21205),
        ({"StatusCallback": "here"}, 21609),
        ({"StatusCallbackEvent": "dancing"}, 20001),
        ({"Method": "PUT"}, 20001),
        ({"Timeout": "601"}, 20001),
        ({"TimeLimit": "-5"}, 20001),
        ({"SendDigits": "12x"}, 20001),
        ({"MachineDetection": "Maybe"}, 20001),
        ({"MachineDetection": "Enable", "MachineDetectionTimeout": "2"}, 20001),
        ({"Twiml": "x" * 4_001}, 20001),
    ],
)
def test_refusals(change: dict[str, str], code: int) -> None:
    with pytest.raises(Refused) as caught:
        order_of(list({**GOOD, **change}.items()))
    assert caught.value.fault.code == code


def test_wishes() -> None:
    assert wish_of([]) is None
    assert wish_of([("Status", "completed")]) is Status.COMPLETED
    with pytest.raises(Refused):
        wish_of([("Status", "ringing")])
