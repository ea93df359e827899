"""Offers of browsers: what is needed of them, what is refused, and that browsers take our answer."""

import contextlib

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from telephony.softphone.sdp import OFFER_CHARS_MAX, BadOffer, Local, answer, parse_offer

LOCAL = Local("ours", "p" * 24, ("sha-256", "AB:CD"), ("203.0.113.7", "2001:db8::7"), 40_000, 99, 8_000, 28_000)
# The shape of Chromium's, with a camera and a data channel besides, which are declined.
OFFER = """v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=fingerprint:sha-1 00:11
a=fingerprint:sha-256 AA:BB
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:0
a=rtpmap:96 VP8/90000
m=audio 9 UDP/TLS/RTP/SAVPF 63 111
c=IN IP4 0.0.0.0
a=ice-ufrag:theirs
a=ice-pwd:secret
a=setup:actpass
a=mid:1
a=sendrecv
a=rtcp-mux
a=rtpmap:63 red/48000/2
a=rtpmap:111 opus/48000/2
a=fmtp:111 minptime=10;useinbandfec=1
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
a=mid:2
""".replace("\n", "\r\n")


def test_a_browser_that_can_send_twice_is_asked_to() -> None:
    offer = parse_offer(OFFER.replace("a=fmtp:111", "a=fmtp:63 111/111\r\na=fmtp:111"))
    assert offer.redundant == 63
    described = SessionDescription.parse(answer(offer, LOCAL)).media[1]
    assert described.fmt == [63, 111], "what it sends stands first"
    assert parse_offer(OFFER).redundant is None, "of what it would be, it does not say"


def test_what_is_needed_of_an_offer() -> None:
    offer = parse_offer(OFFER)
    assert (offer.audio, offer.payload_type, offer.sends, offer.receives) == (1, 111, True, True)
    assert (offer.fingerprints, offer.ufrag) == ((("sha-256", "AA:BB"),), "theirs")


@pytest.mark.parametrize("direction", ["sendrecv", "sendonly", "recvonly", "inactive"])
def test_the_answer_mirrors_the_offer(direction: str) -> None:
    offer = parse_offer(OFFER.replace("a=sendrecv", f"a={direction}"))
    described = SessionDescription.parse(answer(offer, LOCAL))
    video, audio, data = described.media
    assert (video.port, data.port) == (0, 0)
    mirrored = {"sendonly": "recvonly", "recvonly": "sendonly"}.get(direction, direction)
    assert (audio.port, audio.direction, audio.rtp.muxId) == (40_000, mirrored, "1")
    assert [str(group) for group in described.group] == ["BUNDLE 1"]
    assert audio.ice is not None
    assert (audio.ice.usernameFragment, audio.ice.password, audio.ice.iceLite) == ("ours", "p" * 24, True)
    assert [(one.ip, one.port, one.type) for one in audio.ice_candidates] == [
        ("203.0.113.7", 40_000, "host"),
        ("2001:db8::7", 40_000, "host"),
    ]
    assert audio.ice_candidates[0].priority > audio.ice_candidates[1].priority
    assert audio.dtls is not None
    assert audio.dtls.role == "server"
    assert [codec.payloadType for codec in audio.rtp.codecs] == [111]
    assert audio.rtp.codecs[0].parameters["maxplaybackrate"] == 8_000


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("m=audio 9", "m=audio 0"), "no audio section"),
        (("opus/48000/2", "PCMU/8000"), "no Opus"),
        (("fingerprint:sha-256", "fingerprint:md5"), "fingerprint"),
        (("setup:actpass", "setup:passive"), "setup"),
        (("ice-ufrag", "ice-tail"), "ice-ufrag"),
        (("rtcp-mux", "rtcp-rsize"), "rtcp-mux"),
        (("m=video 9 UDP/TLS/RTP/SAVPF 96", "m=video x"), "media line"),
        (("s=-", "s=" + "x" * OFFER_CHARS_MAX), "longer than"),
        (("s=-", "s=-" + "\r\nm=video 0 X 0" * 9), "sections"),
    ],
)
def test_what_cannot_be_answered_says_why(change: tuple[str, str], said: str) -> None:
    with pytest.raises(BadOffer, match=said):
        parse_offer(OFFER.replace(*change))


@given(st.text(max_size=300) | st.lists(st.sampled_from(OFFER.split("\r\n"))).map("\r\n".join))
def test_any_text_is_an_offer_or_refused(text: str) -> None:
    with contextlib.suppress(BadOffer):
        answer(parse_offer(text), LOCAL)
