"""The pages' MessagePack, held against the voice nodes' own."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

from telephony.people import messages

# What a page's numbers hold exactly.
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
LEAVES = st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False) | TEXTS | st.binary(max_size=300)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(TEXTS, inner, max_size=20))

AGAIN = """async (all) => {
  const { decode, encode } = await import("/static/people/messagepack.js");
  return all.map((bytes) => [...encode(decode(Uint8Array.from(bytes)))]);
}"""
FATES = """async (all) => {
  const { BadMessagePack, decode } = await import("/static/people/messagepack.js");
  return all.map((bytes) => {
    try {
      decode(Uint8Array.from(bytes));
      return "read";
    } catch (error) {
      return error instanceof BadMessagePack ? "bad" : String(error);
    }
  });
}"""


def _once_more(page: Page, values: list[Any]) -> list[Any]:
    """Return values as they are after the page has read and written them."""
    written = page.evaluate(AGAIN, [list(msgspec.msgpack.encode(value)) for value in values])
    return [msgspec.msgpack.decode(bytes(one)) for one in written]


# The page keeps nothing between examples.
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(VALUES, max_size=20))
def test_a_page_reads_and_writes_what_a_node_does(scripts: Page, values: list[Any]) -> None:
    assert _once_more(scripts, values) == values


def test_long_things_keep_their_length(scripts: Page) -> None:
    values: list[Any] = ["x" * size for size in (31, 32, 255, 256, 65_536)]
    values += [b"x" * size for size in (0, 255, 256)] + [[1] * 300, {str(n): n for n in range(300)}]
    assert _once_more(scripts, values) == values


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=40), max_size=60))
def test_any_bytes_are_read_or_refused(scripts: Page, all_bytes: list[bytes]) -> None:
    fates = scripts.evaluate(FATES, [list(one) for one in all_bytes])
    assert set(fates) <= {"read", "bad"}
    assert [fate for one, fate in zip(all_bytes, fates, strict=True) if not one] == ["bad"] * all_bytes.count(b"")


def test_what_lies_deeper_than_messages_do_is_refused(scripts: Page) -> None:
    assert scripts.evaluate(FATES, [[0x91] * 20 + [0xC0], [0x91] * 5 + [0xC0]]) == ["bad", "read"]


@pytest.mark.parametrize("name", ["__proto__", "constructor"])
def test_a_map_may_have_any_names(scripts: Page, name: str) -> None:
    assert _once_more(scripts, [{name: {"polluted": True}}]) == [{name: {"polluted": True}}]
    assert scripts.evaluate("() => ({}).polluted === undefined")


def test_a_node_understands_what_a_page_asks(scripts: Page) -> None:
    written = scripts.evaluate(
        """async () => {
          const { encode } = await import("/static/people/messagepack.js");
          return [...encode({ do: "hold", id: 7, on: true })];
        }"""
    )
    asked = messages.read(bytes(written))
    assert (asked.do, asked.id, messages.read_body(bytes(written), messages.Hold).on) == ("hold", 7, True)
