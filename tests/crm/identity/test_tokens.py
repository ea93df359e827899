"""Access tokens: what is in one, and what is refused."""

from uuid import uuid4

import jwt
import pytest

from crm.identity.tokens import LIFETIME_S, BadToken, Identity, issue, read

KEY = "a-key-that-is-long-enough-for-hs256-0000"
WHO = Identity(uuid4(), "ada@example.com", "admin", uuid4(), uuid4())


def test_a_token_names_one_person_in_one_organisation() -> None:
    token = issue(WHO, KEY, 1_000)
    assert read(token, KEY, 1_000) == WHO
    claims = jwt.decode(token, KEY, algorithms=["HS256"], audience="salesos.crm", options={"verify_exp": False})
    assert {"sub", "email", "role", "company_id", "sid", "iat", "exp"} <= set(claims)
    assert claims["exp"] - claims["iat"] == LIFETIME_S == 600


def test_an_expired_token_is_refused() -> None:
    token = issue(WHO, KEY, 1_000)
    assert read(token, KEY, 1_000 + LIFETIME_S - 1) == WHO
    with pytest.raises(BadToken):
        read(token, KEY, 1_000 + LIFETIME_S)


@pytest.mark.parametrize("spoil", [lambda token: "", lambda token: token[:-4], lambda token: "x" + token])
def test_an_altered_token_is_refused(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(BadToken):
        read(spoil(issue(WHO, KEY, 1_000)), KEY, 1_000)


def test_another_key_is_refused() -> None:
    with pytest.raises(BadToken):
        read(issue(WHO, KEY, 1_000), KEY + "x", 1_000)


@pytest.mark.parametrize("missing", ["sub", "email", "role", "company_id", "sid", "iat", "exp", "aud"])
def test_an_incomplete_token_is_refused(missing: str) -> None:
    claims = jwt.decode(issue(WHO, KEY, 1_000), options={"verify_signature": False})
    del claims[missing]
    with pytest.raises(BadToken):
        read(jwt.encode(claims, KEY, algorithm="HS256"), KEY, 1_000)


@pytest.mark.parametrize(
    ("name", "value"), [("sub", "1"), ("company_id", 7), ("sid", None), ("exp", "soon"), ("aud", "other")]
)
def test_a_claim_of_the_wrong_kind_is_refused(name: str, value: object) -> None:
    claims = jwt.decode(issue(WHO, KEY, 1_000), options={"verify_signature": False}) | {name: value}
    with pytest.raises(BadToken):
        read(jwt.encode(claims, KEY, algorithm="HS256"), KEY, 1_000)


def test_an_unsigned_token_is_refused() -> None:
    claims = jwt.decode(issue(WHO, KEY, 1_000), options={"verify_signature": False})
    with pytest.raises(BadToken):
        read(jwt.encode(claims, "", algorithm="none"), KEY, 1_000)
