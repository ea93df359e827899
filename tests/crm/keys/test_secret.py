"""The form of API keys."""

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.keys.secret import MARK, BadKey, make_key, read_key


@given(st.uuids())
def test_a_key_names_its_organisation_and_itself(org_id: UUID) -> None:
    made = make_key(org_id)
    named = read_key(made.text)
    assert (named.org_id, named.prefix, named.hash) == (org_id, made.prefix, made.hash)
    assert made.text.startswith(MARK)
    assert made.text.removeprefix(made.prefix) not in made.hash
    assert len(made.text) == 71


@given(st.text() | st.text("0123456789abcXYZ_").map(MARK.__add__))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadKey):
        read_key(text)


@pytest.mark.parametrize("spoil", [str.upper, "{}\n".format, " {}".format, lambda text: text[:-1]])
def test_what_is_nearly_a_key_is_refused(spoil: Callable[[str], str]) -> None:
    with pytest.raises(BadKey):
        read_key(spoil(make_key(UUID(int=1)).text))


def test_an_organisation_that_is_no_number_of_128_bits_is_refused() -> None:
    with pytest.raises(BadKey):
        read_key(MARK + "z" * 30 + "_" + "z" * 32)


def test_a_spoilt_secret_is_another_hash() -> None:
    made = make_key(UUID(int=1))
    last = "a" if made.text[-1] != "a" else "b"
    assert read_key(made.text[:-1] + last).hash != made.hash
