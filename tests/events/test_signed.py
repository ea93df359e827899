"""What was signed for one audience is nothing to another."""

import msgspec
import pytest

from events.signed import BadSigned, seal, unseal

KEY = "a-key-of-thirty-two-characters-or-more"


class Claims(msgspec.Struct, frozen=True):
    name: str


def test_what_was_sealed_is_unsealed_by_its_audience_only() -> None:
    token = seal(Claims("Ada"), "one", 1, KEY)
    assert unseal(token, Claims, "one", KEY) == Claims("Ada"), "times are its owner's to check"
    for audience, key in (("two", KEY), ("one", KEY[::-1])):
        with pytest.raises(BadSigned):
            unseal(token, Claims, audience, key)
    with pytest.raises(BadSigned, match="field"):
        unseal(seal(Claims(1), "one", 1, KEY), Claims, "one", KEY)  # type: ignore[arg-type]  # what is tested
