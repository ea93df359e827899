"""The form of a REST request to an order for a call, with the vendor's refusals. Sans-I/O."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from telephony.carrier import errors
from telephony.carrier.amd import AmdRules
from telephony.carrier.calls import Address, Event, Inline, Order, Source, Status
from telephony.carrier.errors import Refused
from telephony.carrier.twiml import INLINE_CHARS_MAX

RING_S_MAX: Final = 600
CALL_S_MAX: Final = 4 * 3600
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_DIGITS: Final = re.compile(r"[0-9A-D#*wW]{1,32}")

Fields = Sequence[tuple[str, str]]


class Form:
    """Fields of a form; the last one counts where a name is repeated without being a list."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def get(self, name: str, default: str = "") -> str:
        values = self.all(name)
        return values[-1] if values else default

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._fields if key == name]

    def number(self, name: str, default: int, low: int, high: int) -> int:
        text = self.get(name)
        if not text:
            return default
        if not text.isdecimal() or not low <= int(text) <= high:
            raise Refused(errors.bad_parameter(name, f"has to be a number from {low} to {high}"))
        return int(text)

    def method(self, name: str) -> str:
        method = self.get(name, "POST").upper()
        if method not in ("GET", "POST"):
            raise Refused(errors.bad_parameter(name, "has to be GET or POST"))
        return method

    def address(self, name: str, fault: errors.Fault) -> str:
        url = self.get(name)
        if url and not is_http(url):
            raise Refused(fault)
        return url


def order_of(fields: Fields) -> Order:
    """Return what the form of a new call asks for.

    Raises:
        Refused: as the vendor words it.
    """
    form = Form(fields)
    to, from_ = form.get("To"), form.get("From")
    if not to:
        raise Refused(errors.NO_TO)
    if not _E164.fullmatch(to):
        raise Refused(errors.bad_to(to))
    if not from_:
        raise Refused(errors.NO_FROM)
    if not _E164.fullmatch(from_):
        raise Refused(errors.bad_from(from_))
    source = source_of(fields)
    if source is None:
        raise Refused(errors.BAD_URL)
    digits = form.get("SendDigits")
    if digits and not _DIGITS.fullmatch(digits):
        raise Refused(errors.bad_parameter("SendDigits", "at most 32 of 0-9 A-D # * w W"))
    return Order(
        to=to,
        from_=from_,
        source=source,
        status_callback=form.address("StatusCallback", errors.BAD_CALLBACK),
        status_callback_method=form.method("StatusCallbackMethod"),
        events=_events(form),
        timeout_s=form.number("Timeout", 60, 1, RING_S_MAX),
        time_limit_s=form.number("TimeLimit", CALL_S_MAX, 1, CALL_S_MAX),
        send_digits=digits,
        amd=_amd(form),
        async_amd=form.get("AsyncAmd").lower() == "true",
        amd_callback=form.address("AsyncAmdStatusCallback", errors.BAD_CALLBACK),
        amd_callback_method=form.method("AsyncAmdStatusCallbackMethod"),
    )


def source_of(fields: Fields) -> Source | None:
    """Return where the script is, None when the form names none.

    Raises:
        Refused: the address or the document cannot be used.
    """
    form = Form(fields)
    document = form.get("Twiml")
    if document:
        if len(document) > INLINE_CHARS_MAX:
            raise Refused(errors.bad_parameter("Twiml", f"longer than {INLINE_CHARS_MAX} characters"))
        return Inline(document)
    url = form.address("Url", errors.BAD_URL)
    return Address(url, form.method("Method")) if url else None


def wish_of(fields: Fields) -> Status | None:
    """Return the status that an update asks for.

    Raises:
        Refused: it is neither completed nor canceled.
    """
    text = Form(fields).get("Status")
    if not text:
        return None
    if text not in (Status.COMPLETED, Status.CANCELED):
        raise Refused(errors.bad_parameter("Status", "has to be completed or canceled"))
    return Status(text)


def is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _events(form: Form) -> frozenset[Event]:
    # Old clients send one field with blanks between the names.
    names = [name for value in form.all("StatusCallbackEvent") for name in value.split()]
    if not names:
        return frozenset({Event.COMPLETED})
    try:
        return frozenset(Event(name) for name in names)
    except ValueError:
        known = ", ".join(Event)
        raise Refused(errors.bad_parameter("StatusCallbackEvent", f"has to be of {known}")) from None


def _amd(form: Form) -> AmdRules | None:
    mode = form.get("MachineDetection")
    if not mode:
        return None
    if mode not in ("Enable", "DetectMessageEnd"):
        raise Refused(errors.bad_parameter("MachineDetection", "has to be Enable or DetectMessageEnd"))
    return AmdRules(
        wait_for_message_end=mode == "DetectMessageEnd",
        timeout_ms=form.number("MachineDetectionTimeout", 30, 3, 59) * 1000,
        speech_threshold_ms=form.number("MachineDetectionSpeechThreshold", 2_400, 1_000, 6_000),
        speech_end_threshold_ms=form.number("MachineDetectionSpeechEndThreshold", 1_200, 500, 5_000),
        silence_timeout_ms=form.number("MachineDetectionSilenceTimeout", 5_000, 2_000, 10_000),
    )
