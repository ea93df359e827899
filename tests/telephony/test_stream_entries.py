"""XREAD's answer in both versions of Redis's protocol."""

from telephony.stream_entries import entries_of

ENTRIES = [(b"1-0", {b"c": b"x"})]


def test_both_forms_come_to_the_same() -> None:
    assert entries_of([(b"commands:v", ENTRIES)]) == [(b"commands:v", ENTRIES)]
    assert entries_of({b"commands:v": [ENTRIES]}) == [(b"commands:v", ENTRIES)]
    assert entries_of({b"commands:v": ENTRIES}) == [(b"commands:v", ENTRIES)]
    assert entries_of([]) == entries_of({}) == entries_of(None) == []
