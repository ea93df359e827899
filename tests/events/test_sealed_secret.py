"""Secrets in a plan open for whom they were sealed, and for nobody else."""

from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.sealed_secret import BadSecret, seal, unseal

KEY: Final = "a secret of all processes"
ORG, OTHER = UUID(int=1), UUID(int=2)


@given(st.text())
def test_what_was_sealed_comes_back(plain: str) -> None:
    sealed = seal(plain, KEY, ORG, "openai")
    assert unseal(sealed, KEY, ORG, "openai") == plain
    assert not plain or len(plain) < 4 or plain not in sealed


@pytest.mark.parametrize(
    ("key", "org_id", "name"), [("another", ORG, "openai"), (KEY, OTHER, "openai"), (KEY, ORG, "gemini")]
)
def test_nobody_else_opens_it(key: str, org_id: UUID, name: str) -> None:
    with pytest.raises(BadSecret):
        unseal(seal("sk-1", KEY, ORG, "openai"), key, org_id, name)


@given(st.text())
def test_what_is_no_sealed_secret_is_refused(text: str) -> None:
    with pytest.raises(BadSecret):
        unseal(text, KEY, ORG, "openai")


def test_no_two_sealings_are_alike() -> None:
    assert seal("sk-1", KEY, ORG, "openai") != seal("sk-1", KEY, ORG, "openai")
