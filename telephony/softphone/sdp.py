"""A browser's offer, as much of it as a voice leg needs, and our answer (RFC 8866, 8829). Sans-I/O.

One audio section with Opus; whatever else is offered is declined. We are an ICE lite end (RFC 8445 §2.5): we have
candidates and answer checks, and the offer's candidates mean nothing to us, so that nobody waits for them.
"""

from dataclasses import dataclass, field
from typing import Final

OFFER_CHARS_MAX: Final = 32_000
SECTIONS_MAX: Final = 8
OPUS: Final = "opus/48000/2"
RED: Final = "red/48000/2"
# What the browser's encoder is asked for (RFC 7587 §6.1): a telephone is at the other end, so more than its band would
# be thrown away, and FEC covers single losses.
FORMAT: Final = "minptime=10;useinbandfec=1;stereo=0;maxplaybackrate={rate_hz};maxaveragebitrate={bit_rate}"
_FINGERPRINTS: Final = frozenset({"sha-256", "sha-384", "sha-512"})
_SENDS: Final = frozenset({"sendrecv", "sendonly"})
_RECEIVES: Final = frozenset({"sendrecv", "recvonly"})
_DIRECTIONS: Final = _SENDS | _RECEIVES | {"inactive"}


class BadOffer(ValueError):
    """It cannot be answered; the message says what is missing and what to offer."""


@dataclass(frozen=True, slots=True)
class Offer:
    kinds: tuple[tuple[str, str, str], ...]  # of each section: its kind, its protocol, its mid
    audio: int  # which of them is ours
    payload_type: int  # of Opus
    sends: bool  # the browser has a microphone
    receives: bool
    fingerprints: tuple[tuple[str, str], ...]  # algorithm and value
    ufrag: str
    redundant: int | None = None  # the payload type of Opus sent twice (RFC 2198); None: not offered


@dataclass(frozen=True, slots=True)
class Local:
    """Our end."""

    ufrag: str
    password: str
    fingerprint: tuple[str, str]
    addresses: tuple[str, ...]  # that the browser can reach
    port: int
    ssrc: int
    rate_hz: int  # of what we can use of what the browser sends
    bit_rate: int


@dataclass
class _Section:
    kind: str = ""
    protocol: str = ""
    formats: tuple[str, ...] = ()
    disabled: bool = False
    direction: str = "sendrecv"
    values: dict[str, str] = field(default_factory=dict)
    maps: dict[str, str] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    fingerprints: list[tuple[str, str]] = field(default_factory=list)


def parse_offer(text: str) -> Offer:
    """Raises BadOffer."""
    if len(text) > OFFER_CHARS_MAX:
        raise BadOffer(f"sdp: longer than {OFFER_CHARS_MAX} characters; offer audio only")
    session, sections = _sections(text)
    if len(sections) > SECTIONS_MAX:
        raise BadOffer(f"sdp: more than {SECTIONS_MAX} sections; offer audio only")
    place = next((at for at, one in enumerate(sections) if one.kind == "audio" and not one.disabled), None)
    if place is None:
        raise BadOffer("sdp: no audio section; add an audio transceiver before the offer is made")
    section = sections[place]
    payload_type = next((name for name in section.formats if section.maps.get(name, "").lower() == OPUS), None)
    if payload_type is None or not payload_type.isdecimal() or int(payload_type) > 127:
        raise BadOffer("sdp: no Opus; leave the browser's codecs as they are")
    fingerprints = section.fingerprints or session.fingerprints
    if not fingerprints:
        raise BadOffer("sdp: no fingerprint of a certificate in SHA-256 or better; offer DTLS-SRTP")
    if section.values.get("setup", session.values.get("setup", "actpass")) not in ("actpass", "active"):
        raise BadOffer("sdp: setup must be actpass or active: we answer handshakes")
    ufrag = section.values.get("ice-ufrag", session.values.get("ice-ufrag", ""))
    if not ufrag:
        raise BadOffer("sdp: no ice-ufrag; offer ICE")
    if "rtcp-mux" not in section.values:
        raise BadOffer("sdp: no rtcp-mux; leave rtcpMuxPolicy at require")
    return Offer(
        tuple((one.kind, one.protocol, one.values.get("mid", "")) for one in sections),
        place,
        int(payload_type),
        section.direction in _SENDS,
        section.direction in _RECEIVES,
        tuple(fingerprints),
        ufrag,
        _redundant(section, payload_type),
    )


def answer(offer: Offer, local: Local) -> str:
    """Return our answer: passive in the handshake, with all our candidates."""
    mid = offer.kinds[offer.audio][2]
    lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite"]
    if mid:
        lines.append(f"a=group:BUNDLE {mid}")
    for place, (kind, protocol, other) in enumerate(offer.kinds):
        if place == offer.audio:
            lines += _audio(offer, local, protocol, mid)
        else:
            lines += [f"m={kind} 0 {protocol} 0", "c=IN IP4 0.0.0.0", "a=inactive"]
            lines += [f"a=mid:{other}"] if other else []
    return "\r\n".join(lines) + "\r\n"


def _audio(offer: Offer, local: Local, protocol: str, mid: str) -> list[str]:
    number, redundant = offer.payload_type, offer.redundant
    direction = {(True, True): "sendrecv", (True, False): "recvonly", (False, True): "sendonly"}
    form = FORMAT.format(rate_hz=local.rate_hz, bit_rate=local.bit_rate)
    lines = [
        # What stands first is what the browser sends.
        f"m=audio {local.port} {protocol} {number if redundant is None else f'{redundant} {number}'}",
        f"c=IN {_family(local.addresses[0])} {local.addresses[0]}",
        f"a={direction.get((offer.sends, offer.receives), 'inactive')}",
        "a=rtcp-mux",
        f"a=rtpmap:{number} {OPUS}",
        f"a=fmtp:{number} {form}",
        "a=ptime:20",
        "a=maxptime:60",
        f"a=ssrc:{local.ssrc} cname:salesos",
        f"a=ssrc:{local.ssrc} msid:call call",
        "a=msid:call call",
        f"a=ice-ufrag:{local.ufrag}",
        f"a=ice-pwd:{local.password}",
        f"a=fingerprint:{local.fingerprint[0]} {local.fingerprint[1]}",
        "a=setup:passive",
    ]
    if redundant is not None:
        lines += [f"a=rtpmap:{redundant} {RED}", f"a=fmtp:{redundant} {number}/{number}"]
    if mid:
        lines.append(f"a=mid:{mid}")
    for place, address in enumerate(local.addresses):
        # RFC 8445 §5.1.2.1: host, then by our order; one component.
        priority = (126 << 24) + ((65_535 - place) << 8) + 255
        lines.append(f"a=candidate:{place + 1} 1 udp {priority} {address} {local.port} typ host")
    lines.append("a=end-of-candidates")
    return lines


def _sections(text: str) -> tuple[_Section, list[_Section]]:
    session = _Section()
    sections: list[_Section] = []
    for line in text.splitlines():
        if line.startswith("m="):
            sections.append(_begun(line))
        elif line.startswith("a="):
            _take(sections[-1] if sections else session, line[2:])
    return session, sections


def _begun(line: str) -> _Section:
    words = line[2:].split()
    if len(words) < 4 or not words[1].isdecimal():
        raise BadOffer("sdp: a media line has not its four parts")
    return _Section(words[0], words[2], tuple(words[3:]), disabled=words[1] == "0")


def _take(section: _Section, attribute: str) -> None:
    name, _, value = attribute.partition(":")
    value = value.strip()
    if name in _DIRECTIONS:
        section.direction = name
    elif name == "rtpmap":
        number, _, codec = value.partition(" ")
        section.maps[number] = codec.strip()
    elif name == "fmtp":
        number, _, form = value.partition(" ")
        section.forms[number] = form.strip()
    elif name == "fingerprint":
        algorithm, _, digest = value.partition(" ")
        if algorithm.lower() in _FINGERPRINTS:
            section.fingerprints.append((algorithm.lower(), digest.strip()))
    else:
        section.values.setdefault(name, value)


def _redundant(section: _Section, payload_type: str) -> int | None:
    for name in section.formats:
        if section.maps.get(name, "").lower() == RED and name.isdecimal() and int(name) <= 127:
            twice = section.forms.get(name, "").split("/")
            return int(name) if twice and set(twice) == {payload_type} else None
    return None


def _family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"
