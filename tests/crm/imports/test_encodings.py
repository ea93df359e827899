"""Encodings guessed from all bytes, in pieces of any size; garbage and other kinds of files refused with a reason."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.imports.encodings import BadEncoding, EncodingGuess

TEXT = "Nome;Cidade\nJosé;São Paulo\nMaría;Coruña\n"


def guessed(content: bytes, step: int = 7) -> tuple[str, int]:
    guess = EncodingGuess()
    for first in range(0, len(content), step):
        guess.feed(content[first : first + step])
    return guess.finish()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (TEXT.encode(), ("utf-8", 0)),
        (codecs.BOM_UTF8 + TEXT.encode(), ("utf-8", 3)),
        (TEXT.encode("cp1252"), ("cp1252", 0)),
        ("Preço;€ 5\n".encode("cp1252"), ("cp1252", 0)),
        (codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le"), ("utf-16-le", 2)),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), ("utf-16-be", 2)),
        (TEXT.encode("utf-16-le"), ("utf-16-le", 0)),
        (TEXT.encode("utf-16-be"), ("utf-16-be", 0)),
        (b"a,b\n" * 5_000 + "José\n".encode("cp1252"), ("cp1252", 0)),
    ],
)
def test_encodings_are_told(content: bytes, found: tuple[str, int]) -> None:
    assert guessed(content) == found
    assert guessed(content, step=1_000_000) == found
    content[found[1] :].decode(found[0])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b"PK\x03\x04" + b"x" * 50, "spreadsheet"),
        (b"\x1f\x8b\x08" + bytes(range(256)), "compressed"),
        (b"%PDF-1.7\n", "PDF"),
        (bytes(range(256)) * 4, "no text"),
        (TEXT.encode("utf-32"), "UTF-32"),
        (b"a,b\n\x81\x8d,c\n", "neither"),
        (codecs.BOM_UTF8 + "José".encode("cp1252"), "says that it is UTF-8"),
        (b"a,b\nc,\x00\x00d\n" * 20, "no text"),
    ],
)
def test_what_is_no_text_is_refused_with_a_reason(content: bytes, fault: str) -> None:
    with pytest.raises(BadEncoding) as refused:
        guessed(content)
    assert fault in refused.value.details["fault"]


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), st.integers(1, 9))
def test_what_is_written_in_utf_8_is_read_so(text: str, step: int) -> None:
    content = codecs.BOM_UTF8 + text.encode()
    encoding, mark = guessed(content, step)
    assert content[mark:].decode(encoding) == text


@given(st.binary(max_size=200), st.integers(1, 9))
def test_any_bytes_get_an_encoding_or_one_refusal(content: bytes, step: int) -> None:
    try:
        found = guessed(content, step)
    except BadEncoding:
        with pytest.raises(BadEncoding):
            guessed(content, 1_000)
    else:
        assert found == guessed(content, 1_000)
