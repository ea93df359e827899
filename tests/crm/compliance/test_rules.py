"""The operator's rules: without good ones nothing starts."""

from pathlib import Path

import pytest
from phonenumbers import PhoneNumberType

from crm.compliance.rules import BadRules, read_rules

GOOD = "minimum_funded_s: 60\nrefused_number_kinds: [premium_rate]\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "compliance.yaml"
    path.write_text(text)
    return path


def test_good_rules(tmp_path: Path) -> None:
    rules = read_rules(written(tmp_path, GOOD), ("us", "BR"))
    assert rules.minimum_funded_s == 60
    assert rules.refused_kinds == {PhoneNumberType.PREMIUM_RATE}
    assert rules.allowed_countries == {"US", "BR"}


def test_the_shipped_rules_are_good(repository: Path) -> None:
    rules = read_rules(repository / "config" / "compliance.yaml", ("US",))
    assert PhoneNumberType.PREMIUM_RATE in rules.refused_kinds


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "compliance.yaml"),
        ("minimum_funded_s: 0\nrefused_number_kinds: []", "minimum_funded_s"),
        ("minimum_funded_s: true\nrefused_number_kinds: []", "minimum_funded_s"),
        ("minimum_funded_s: 60", "refused_number_kinds"),
        ("minimum_funded_s: 60\nrefused_number_kinds: [premum]", "refused_number_kinds"),
    ],
)
def test_bad_rules_are_named(text: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadRules, match=fault):
        read_rules(written(tmp_path, text), ("US",))


@pytest.mark.parametrize("countries", [(), ("USA",), ("1",)])
def test_countries_are_countries(countries: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(BadRules, match="SALESOS_ALLOWED_COUNTRIES"):
        read_rules(written(tmp_path, GOOD), countries)
