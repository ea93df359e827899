"""Refresh tokens: what is exchanged, what is given again, and what gives a copy away."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.identity.refresh_tokens import (
    GRACE,
    BadRefreshToken,
    Chain,
    RefreshToken,
    Verdict,
    first,
    judge,
    read,
    write,
)

KEY = "a-key-that-is-long-enough-for-hs256-0000"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def chain_of(token: RefreshToken, rotated_at: datetime = NOW) -> Chain:
    return Chain(token.generation, token.hash, rotated_at)


def nth(number: int) -> tuple[RefreshToken, list[RefreshToken]]:
    """Return the newest of so many tokens, and those before it."""
    token, before = first(uuid4(), uuid4()), []
    for _ in range(number - 1):
        before.append(token)
        token = token.after(KEY)
    return token, before


@given(generation=st.integers(1, 6), shown=st.integers(0, 5), waited_ms=st.integers(0, 60_000))
def test_the_newest_is_exchanged_the_one_before_for_a_moment_and_no_other(
    generation: int, shown: int, waited_ms: int
) -> None:
    newest, before = nth(generation)
    tokens = [*before, newest]
    token = tokens[min(shown, len(tokens) - 1)]
    waited = timedelta(milliseconds=waited_ms)
    verdict = judge(token, chain_of(newest), KEY, NOW + waited)
    if token is newest:
        assert verdict is Verdict.NEXT
    elif token.after(KEY) == newest and waited <= GRACE:
        assert verdict is Verdict.AGAIN
    else:
        assert verdict is Verdict.REUSED


def test_the_moment_ends() -> None:
    newest, (old,) = nth(2)
    assert judge(old, chain_of(newest), KEY, NOW + GRACE) is Verdict.AGAIN
    assert judge(old, chain_of(newest), KEY, NOW + GRACE + timedelta(milliseconds=1)) is Verdict.REUSED


def test_what_follows_cannot_be_told_without_the_key() -> None:
    newest, (old,) = nth(2)
    guessed = old.after(KEY + "x")
    assert guessed.secret != newest.secret
    assert judge(guessed, chain_of(newest), KEY, NOW) is Verdict.REUSED


def test_a_token_survives_its_text() -> None:
    token = nth(3)[0]
    assert read(write(token, KEY), KEY) == token


@pytest.mark.parametrize("text", ["", "x.y.z", "x" * 5_000])
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(BadRefreshToken):
        read(text, KEY)


@pytest.mark.parametrize("change", [{"sub": "1"}, {"sid": None}, {"gen": "many"}, {"aud": "salesos.crm"}])
def test_a_token_of_another_shape_is_refused(change: dict[str, object]) -> None:
    claims = jwt.decode(write(first(uuid4(), uuid4()), KEY), options={"verify_signature": False})
    with pytest.raises(BadRefreshToken):
        read(jwt.encode(claims | change, KEY, algorithm="HS256"), KEY)


def test_another_key_signs_nothing() -> None:
    with pytest.raises(BadRefreshToken):
        read(write(first(uuid4(), uuid4()), KEY + "x"), KEY)
