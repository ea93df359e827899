"""TwiML, as far as the box speaks it: Connect/Stream, Say, Pause, Redirect, Reject, Hangup. Sans-I/O.

Anything else ends the call with a note, so that a document which only the box would accept cannot pass unseen.
"""

# Documents come from our own voice node and are small; entities and document types are refused before parsing.
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from telephony.carrier import errors

DOCUMENT_BYTES_MAX: Final = 64 * 1024
INLINE_CHARS_MAX: Final = 4_000
PARAMETER_CHARS_MAX: Final = 500  # name and value together
PAUSE_S_MAX: Final = 600


class BadTwiml(ValueError):
    """The document cannot be carried out; `code` is the vendor's."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(frozen=True, slots=True)
class Stream:
    """`<Connect><Stream>`: two-way audio until the server closes the socket."""

    url: str
    name: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    status_callback: str = ""
    status_callback_method: str = "POST"


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Pause:
    length_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Redirect:
    url: str
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Dial:
    """`<Dial>` of one number: it rings, and the two are connected until one of them hangs up."""

    number: str
    timeout_s: float = 30.0
    time_limit_s: float = 14_400.0
    action: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


@dataclass(frozen=True, slots=True)
class Reject:
    """Of a call that comes in, as its first verb: it is not answered."""


Verb = Stream | Say | Pause | Redirect | Dial | Hangup | Reject


def parse(document: str | bytes) -> tuple[Verb, ...]:
    """Return the document's verbs in order.

    Raises:
        BadTwiml: too large, not XML, not a Response, an unknown verb or attribute value.
    """
    raw = document.encode() if isinstance(document, str) else document
    if len(raw) > DOCUMENT_BYTES_MAX:
        raise BadTwiml(errors.TWIML_TOO_LARGE, "document larger than 64 KB")
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        raise BadTwiml(errors.TWIML_MALFORMED, "document types and entities are not taken")
    try:
        root = ElementTree.fromstring(raw)  # noqa: S314 - see the import
    except ElementTree.ParseError as error:
        raise BadTwiml(errors.TWIML_MALFORMED, f"not XML: {error}") from None
    if root.tag != "Response":
        raise BadTwiml(errors.TWIML_MALFORMED, f"the root is <{root.tag}>, not <Response>")
    return tuple(_verb(element) for element in root)


def _verb(element: ElementTree.Element) -> Verb:
    match element.tag:
        case "Connect":
            return _connect(element)
        case "Say":
            return Say("".join(element.itertext()).strip())
        case "Pause":
            return Pause(_seconds(element.get("length", "1")))
        case "Redirect":
            url = (element.text or "").strip()
            if not url:
                raise BadTwiml(errors.TWIML_INVALID, "<Redirect> without an address")
            return Redirect(url, _method(element.get("method", "POST")))
        case "Dial":
            return _dial(element)
        case "Hangup":
            return Hangup()
        case "Reject":
            return Reject()
        case _:
            raise BadTwiml(errors.TWIML_INVALID, f"the box does not speak <{element.tag}>")


def _connect(element: ElementTree.Element) -> Stream:
    if len(element) != 1 or element[0].tag != "Stream":
        raise BadTwiml(errors.TWIML_INVALID, "<Connect> holds one <Stream> and nothing else here")
    stream = element[0]
    url = stream.get("url", "")
    parts = urlsplit(url)
    # The vendor takes wss only; ws is the box's one licence, so that loopback needs no certificate.
    if parts.scheme not in ("ws", "wss") or not parts.hostname:
        raise BadTwiml(errors.TWIML_INVALID, "<Stream> needs a ws:// or wss:// address")
    parameters = []
    for child in stream:
        name, value = child.get("name"), child.get("value")
        if child.tag != "Parameter" or not name or value is None:
            raise BadTwiml(errors.TWIML_INVALID, "<Stream> holds <Parameter name value> only")
        if len(name) + len(value) >= PARAMETER_CHARS_MAX:
            raise BadTwiml(errors.TWIML_INVALID, f"<Parameter> {name} is 500 characters or more")
        parameters.append((name, value))
    return Stream(
        url,
        stream.get("name", ""),
        tuple(parameters),
        stream.get("statusCallback", ""),
        _method(stream.get("statusCallbackMethod", "POST")),
    )


def _dial(element: ElementTree.Element) -> Dial:
    number = (element.text or "").strip()
    if len(element) == 1 and element[0].tag == "Number" and not number:
        number = (element[0].text or "").strip()
    elif len(element):
        raise BadTwiml(errors.TWIML_INVALID, "<Dial> holds one number and nothing else here")
    if not number.startswith("+") or not number[1:].isdecimal():
        raise BadTwiml(errors.TWIML_INVALID, "<Dial> needs a number such as +12025550100")
    times = [element.get(name, default) for name, default in (("timeout", "30"), ("timeLimit", "14400"))]
    if not all(text.isdecimal() for text in times):
        raise BadTwiml(errors.TWIML_INVALID, "timeout and timeLimit are whole seconds")
    timeout_s, time_limit_s = (float(text) for text in times)
    return Dial(number, timeout_s, time_limit_s, element.get("action", ""), _method(element.get("method", "POST")))


def _seconds(text: str) -> float:
    if not text.isdecimal() or not 0 <= int(text) <= PAUSE_S_MAX:
        raise BadTwiml(errors.TWIML_INVALID, f"<Pause> length is whole seconds up to {PAUSE_S_MAX}")
    return float(text)


def _method(text: str) -> str:
    method = text.upper()
    if method not in ("GET", "POST"):
        raise BadTwiml(errors.TWIML_INVALID, f"method is GET or POST, not {text}")
    return method
