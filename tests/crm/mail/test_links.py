"""Links in letters: what they say, and what is refused."""

from uuid import uuid4

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.mail.jobs import text_of
from crm.mail.links import BadLink, ExpiredLink, address_of, read, sign
from crm.mail.model import PostedLetter

KEY = "a-key-that-is-long-enough-for-hs256-0000"
CLAIMS = {"org": "o", "row": "r"}
NEEDS = ("org", "row")
EXPIRES_S = 1_000_000


def token() -> str:
    return sign("invitation", CLAIMS, EXPIRES_S, KEY)


def test_a_link_says_what_it_is_for() -> None:
    assert read("invitation", token(), NEEDS, EXPIRES_S - 0.1, KEY) == CLAIMS


def test_a_link_expires_and_is_still_known_as_ours() -> None:
    with pytest.raises(ExpiredLink) as told:
        read("invitation", token(), NEEDS, EXPIRES_S, KEY)
    assert CLAIMS.items() <= told.value.claims.items()


def test_a_link_is_good_for_one_purpose() -> None:
    with pytest.raises(BadLink):
        read("unlock", token(), NEEDS, 0, KEY)


@given(st.integers(0, len(token()) - 1), st.sampled_from("Aa0-_."))
def test_an_altered_link_is_refused(place: int, sign: str) -> None:
    altered = token()[:place] + sign + token()[place + 1 :]
    if altered == token():
        return
    try:
        # The last character of base64 carries bits that mean nothing.
        assert read("invitation", altered, NEEDS, 0, KEY) == CLAIMS
        assert place == len(altered) - 1
    except BadLink:
        pass


@given(st.text(max_size=200))
def test_any_text_is_a_link_or_is_refused(text: str) -> None:
    with pytest.raises(BadLink):
        read("invitation", text, NEEDS, 0, KEY)


@pytest.mark.parametrize("change", [{"org": 1}, {"row": None}, {"exp": "soon"}])
def test_a_link_of_another_shape_is_refused(change: dict[str, object]) -> None:
    claims = jwt.decode(token(), options={"verify_signature": False}) | change
    with pytest.raises(BadLink):
        read("invitation", jwt.encode(claims, KEY, algorithm="HS256"), NEEDS, 0, KEY)


def test_the_letter_gets_its_link_when_it_is_posted() -> None:
    said = {"purpose": "invitation", "path": "/invitation", "claims": CLAIMS, "expires_at_s": EXPIRES_S}
    letter = PostedLetter(org_id=uuid4(), text="Open:\n\n{link}\n", link=said)
    assert (
        text_of(letter, "https://crm.test", KEY)
        == f"Open:\n\n{address_of('https://crm.test', '/invitation', token())}\n"
    )
    assert text_of(PostedLetter(text="Braces stay: {link}"), "https://crm.test", KEY) == "Braces stay: {link}"
