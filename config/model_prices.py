"""What language models cost, by name. Read once where a process starts (S30)."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

PATH: Final = Path(__file__).parent / "model_prices.yaml"
_MILLI: Final = 1_000


class BadModelPrices(Exception):
    """The table is malformed; `faults` names each entry at fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_model_prices(path: Path = PATH) -> dict[str, tuple[int, int]]:
    """Return thousandths of a credit for a million tokens of prompt and of completion, by the model's name.

    Raises:
        BadModelPrices: not readable, or a price missing, not a number, negative or finer than a thousandth.
    """
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadModelPrices([f"{path.name}: cannot be read ({type(error).__name__})"]) from None
    models = table.get("models") if isinstance(table, dict) else None
    if not isinstance(models, dict):
        raise BadModelPrices([f"{path.name}: needs a table `models`, which may be empty: models: {{}}"])
    found: dict[str, tuple[int, int]] = {}
    faults: list[str] = []
    for name, entry in models.items():
        prices = [_milli(entry.get(kind)) if isinstance(entry, Mapping) else None for kind in ("prompt", "completion")]
        if prices[0] is None or prices[1] is None:
            faults.append(f"models.{name}: needs prompt and completion, credits for a million tokens, 0 or more")
        else:
            found[str(name)] = prices[0], prices[1]
    if faults:
        raise BadModelPrices(faults)
    return found


def _milli(value: Any) -> int | None:
    # YAML's true is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(str(value)) * _MILLI
    if not exact.is_finite() or exact < 0 or exact != exact.to_integral_value():
        return None
    return int(exact)
