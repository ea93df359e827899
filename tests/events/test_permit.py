"""A permit is what the CRM signed, within its minute, or nothing."""

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.ids import new_id
from events.permit import LIFETIME_S, BadPermit, Permit, Purpose, seal, unseal

KEY = "a-key-of-thirty-two-characters-or-more"
NOW = 1_800_000_000


def permit(funded_s: int = 120) -> Permit:
    return Permit(
        new_id(), new_id(), new_id(), "+12025550123", Purpose.PROSPECT, new_id(), funded_s, NOW, NOW + LIFETIME_S
    )


def test_what_was_sealed_is_unsealed() -> None:
    made = permit()
    assert unseal(seal(made, KEY), KEY, NOW + LIFETIME_S - 1) == made


def test_it_expires_with_its_minute() -> None:
    with pytest.raises(BadPermit, match="expired"):
        unseal(seal(permit(), KEY), KEY, NOW + LIFETIME_S)


def test_another_key_is_refused() -> None:
    with pytest.raises(BadPermit, match="InvalidSignature"):
        unseal(seal(permit(), KEY), KEY[::-1], NOW)


def test_nothing_funded_is_nothing_permitted() -> None:
    with pytest.raises(BadPermit, match="funded"):
        unseal(seal(permit(0), KEY), KEY, NOW)


def test_a_token_for_somebody_else_is_no_permit() -> None:
    session = jwt.encode({"sub": "1", "exp": NOW + 60, "aud": "salesos.console"}, KEY, algorithm="HS256")
    with pytest.raises(BadPermit):
        unseal(session, KEY, NOW)
    bare = jwt.encode({"exp": NOW + 60, "aud": "salesos.voice"}, KEY, algorithm="HS256")
    with pytest.raises(BadPermit, match="field"):
        unseal(bare, KEY, NOW)


def test_an_unsigned_token_is_refused() -> None:
    unsigned = jwt.encode({"exp": NOW + 60, "aud": "salesos.voice"}, "", algorithm="none")
    with pytest.raises(BadPermit):
        unseal(unsigned, KEY, NOW)


@given(st.integers(0, 400), st.characters(min_codepoint=45, max_codepoint=122))
def test_a_changed_character_is_refused(place: int, character: str) -> None:
    made = permit()
    token = seal(made, KEY)
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    try:
        # The last character of a signature holds bits that base64 ignores; nothing else may pass.
        assert unseal(changed, KEY, NOW) == made
    except BadPermit:
        assert changed != token
