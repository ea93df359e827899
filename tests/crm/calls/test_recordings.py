"""Ranges of recordings, and the store behind them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.calls.recordings import (
    BadStore,
    RangeNotSatisfiable,
    RecordingNotFound,
    Span,
    content_type_of,
    open_store,
    read,
    size_of,
    span_of,
)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (0, 100, False)),
        ("bytes=0-", (0, 100, True)),
        ("bytes=10-19", (10, 20, True)),
        ("bytes=90-500", (90, 100, True)),
        ("bytes=-10", (90, 100, True)),
        ("bytes=-500", (0, 100, True)),
        ("bytes=5-4", (0, 100, False)),
        ("bytes=0-1,5-6", (0, 100, False)),
        ("bytes=a-b", (0, 100, False)),
        ("bytes=-", (0, 100, False)),
        ("bytes=٣-", (0, 100, False)),
        ("lines=1-2", (0, 100, False)),
    ],
)
def test_range(header: str | None, expected: tuple[int, int, bool]) -> None:
    span = span_of(header, 100)
    assert (span.start, span.end, span.partial) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=1000-2000", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        span_of(header, 100)


@given(st.text(max_size=20) | st.from_regex(r"bytes=[0-9]{0,5}-[0-9]{0,5}", fullmatch=True), st.integers(0, 300))
def test_any_header_gives_a_span_within_the_object(header: str, size: int) -> None:
    try:
        span = span_of(header, size)
    except RangeNotSatisfiable:
        return
    assert 0 <= span.start <= span.end <= size


async def test_a_local_store_is_made_and_read(tmp_path: Path) -> None:
    store = open_store((tmp_path / "a b" / "store").as_uri())
    await store.put_async("recordings/x.wav", b"0123456789")
    assert await size_of(store, "recordings/x.wav") == 10
    pieces = [piece async for piece in read(store, "recordings/x.wav", Span(2, 5, 10, partial=True))]
    assert b"".join(pieces) == b"234"
    assert (tmp_path / "a b" / "store" / "recordings" / "x.wav").exists()
    with pytest.raises(RecordingNotFound):
        await size_of(store, "recordings/y.wav")


def test_an_address_that_means_nothing_is_refused() -> None:
    with pytest.raises(BadStore):
        open_store("gopher://x/y")


def test_content_types() -> None:
    assert content_type_of("a/b.wav") == "audio/wav"
    assert content_type_of("a/b.OGG") == "audio/ogg"
    assert content_type_of("a/b") == "application/octet-stream"
