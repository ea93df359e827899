"""Checks of browsers: answered when they prove themselves, followed where they go, and nobody else is."""

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from telephony.softphone.ice import SOURCES_MAX, Checked, IceEnd, answer, is_check

HOME, AWAY = ("192.0.2.1", 1000), ("198.51.100.9", 2000)


def check(end: IceEnd, *, password: str = "", nominates: bool = False, name: str = "") -> bytes:
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{name or end.name}:theirs"
    if nominates:
        request.attributes["USE-CANDIDATE"] = None
    if password != "-":
        request.add_message_integrity((password or end.password).encode())
    return bytes(request)


def checked(end: IceEnd, data: bytes, source: tuple[str, int]) -> Checked | None:
    return answer(data, source, lambda name: end if name == end.name else None)


def test_whoever_knows_the_password_is_answered_and_found() -> None:
    end = IceEnd()
    found = checked(end, check(end), HOME)
    assert found is not None
    reply = stun.parse_message(found.reply)
    assert reply.message_class is stun.Class.RESPONSE
    assert reply.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert reply.check_message_integrity(end.password.encode())
    assert end.remote == HOME


def test_a_browser_is_followed_with_its_next_nominated_check() -> None:
    end = IceEnd()
    checked(end, check(end, nominates=True), HOME)
    checked(end, check(end), AWAY)
    assert end.remote == HOME, "another way that is only tried"
    checked(end, check(end, nominates=True), AWAY)
    assert end.remote == AWAY


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"password": "-"}, {"name": "somebody"}])
def test_nobody_else_is_answered(wrong: dict[str, str]) -> None:
    end = IceEnd()
    assert checked(end, check(end, **wrong), HOME) is None  # type: ignore[arg-type]  # texts only
    assert (end.remote, end.sources) == (None, [])


def test_sources_are_bounded_and_the_one_in_use_stays() -> None:
    end = IceEnd()
    checked(end, check(end, nominates=True), HOME)
    forgotten = []
    for port in range(SOURCES_MAX + 3):
        found = checked(end, check(end), ("192.0.2.2", port + 1))
        assert found is not None
        forgotten.append(found.forgotten)
    assert [address for address in forgotten if address] == [("192.0.2.2", port) for port in (1, 2, 3, 4)]
    assert len(end.sources) == SOURCES_MAX
    assert HOME in end.sources


@given(st.binary(max_size=120))
def test_any_datagram_is_a_check_or_nothing(data: bytes) -> None:
    assert checked(IceEnd(), data, HOME) is None


@given(st.data())
def test_a_damaged_check_is_nothing(data: st.DataObject) -> None:
    end = IceEnd()
    whole = check(end)
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + bytes([whole[place] ^ data.draw(st.integers(1, 255))]) + whole[place + 1 :]
    found = checked(end, damaged, HOME)
    # What stands behind the proof (the fingerprint) is not proved by it.
    assert found is None or place >= len(whole) - 8


def test_checks_are_told_from_media() -> None:
    assert is_check(b"\x00\x01")
    assert not is_check(b"\x16")
    assert not is_check(b"")
