"""The price table: what stops the start."""

from pathlib import Path

import pytest

from crm.billing.prices import BadPrices, Prices, read_prices

GOOD = "voice_minute: 10\nemail_verification: 1\ngeneration: 0.125\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    return path


def test_prices_are_thousandths(tmp_path: Path) -> None:
    assert read_prices(written(tmp_path, GOOD)) == Prices(10_000, 1_000, 125)  # type: ignore[arg-type]  # plain ints


def test_the_shipped_table_is_good(repository: Path) -> None:
    assert read_prices(repository / "config" / "prices.yaml").voice_minute == 10_000


@pytest.mark.parametrize("price", ["0", "-1", "true", "'10'", "[]", ".inf", ".nan", "0.0001", "null"])
def test_a_price_that_is_none_is_named(price: str, tmp_path: Path) -> None:
    with pytest.raises(BadPrices) as fault:
        read_prices(written(tmp_path, GOOD.replace("voice_minute: 10", f"voice_minute: {price}")))
    assert [line.split(":")[0] for line in fault.value.faults] == ["voice_minute"]


def test_every_missing_price_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadPrices) as fault:
        read_prices(written(tmp_path, "voice_minute: 10\n"))
    assert [line.split(":")[0] for line in fault.value.faults] == ["email_verification", "generation"]


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "\x00"])
def test_what_is_no_table_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadPrices):
        read_prices(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPrices, match="cannot be read"):
        read_prices(tmp_path / "prices.yaml")
