"""What a call's language models took, by provider and by what became of it. Sans-I/O."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from crm.calls.shown import ModelUsageJson

MODEL_USED_KIND: Final = "model.used"


def model_usage(bodies: Iterable[Mapping[str, Any]]) -> list[ModelUsageJson]:
    """Return the sums of `model.used` events, most tokens first; a cost is None where a price is unknown."""
    sums: dict[tuple[str, str], ModelUsageJson] = {}
    for body in bodies:
        key = (body["provider"], body["fate"])
        zero: ModelUsageJson = {
            "provider": key[0],
            "fate": key[1],
            "requests": 0,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "cost": 0,
        }
        line = sums.setdefault(key, zero)
        line["requests"] += 1
        line["prompt_tokens"] += body["prompt_tokens"]
        line["completion_tokens"] += body["completion_tokens"]
        cost = body["cost_milli"]
        line["cost"] = None if cost is None or line["cost"] is None else line["cost"] + cost
    return sorted(sums.values(), key=lambda line: -(line["prompt_tokens"] + line["completion_tokens"]))
