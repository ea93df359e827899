"""The price table of language models."""

from pathlib import Path

import pytest

from config.model_prices import BadModelPrices, read_model_prices


def test_the_shipped_table_is_good() -> None:
    assert read_model_prices() == {}


def test_credits_become_thousandths(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text('models:\n  "openai:m": {prompt: 2.5, completion: 10}\n  "local:m": {prompt: 0, completion: 0}\n')
    assert read_model_prices(path) == {"openai:m": (2_500, 10_000), "local:m": (0, 0)}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("models: {a: 3}", "models.a"),
        ("models: {a: {prompt: 1}}", "models.a"),
        ("models: {a: {prompt: -1, completion: 1}}", "models.a"),
        ("models: {a: {prompt: true, completion: 1}}", "models.a"),
        ("models: {a: {prompt: 0.0001, completion: 1}}", "models.a"),
        ("models: {a: {prompt: .inf, completion: 1}}", "models.a"),
        ("- a", "needs a table `models`"),
        ("prices: {}", "needs a table `models`"),
        ("models: [", "cannot be read"),
    ],
)
def test_a_wrong_table_is_refused_by_name(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(BadModelPrices, match=fault):
        read_model_prices(path)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadModelPrices, match="cannot be read"):
        read_model_prices(tmp_path / "none.yaml")
