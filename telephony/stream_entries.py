"""XREAD's answer in one form. Sans-I/O."""

Entries = list[tuple[bytes, dict[bytes, bytes]]]


def entries_of(found: object) -> list[tuple[bytes, Entries]]:
    """Return the streams' names and entries, whatever protocol version the server speaks (RESP3 gives a dict)."""
    if not found:
        return []
    if isinstance(found, dict):
        return [
            (name, entries[0] if entries and isinstance(entries[0], list) else entries)
            for name, entries in found.items()
        ]
    assert isinstance(found, list)
    return [(name, entries) for name, entries in found]
