"""The operator's plans: what stops the start."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crm.billing.plans import BadPlans, Plan, read_plans
from crm.billing.prices import Resource, price_at

GOOD = """
default: big
plans:
  small: {concurrent_calls: 2, seats: 3, credit: 7.5, prices: {voice_minute: 8}}
  big:
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "plans.yaml"
    path.write_text(text)
    return path


def test_what_is_left_out_is_not_limited(tmp_path: Path) -> None:
    plans = read_plans(written(tmp_path, GOOD))
    small = plans.named("small")
    assert (small.concurrent_calls, small.seats, small.credit) == (2, 3, 7_500)
    assert price_at(small.prices[Resource.VOICE_MINUTE], datetime.now(UTC)) == 8_000
    assert plans.named("") == plans.named("taken away since") == Plan("big")


def test_the_shipped_plans_are_good(repository: Path) -> None:
    plans = read_plans(repository / "config" / "plans.yaml")
    assert set(plans.by_name) == {"basic", "pro", "enterprise"}
    assert plans.default.concurrent_calls is None, "whoever sells nothing is not limited"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("concurrent_calls: 2", "concurrent_calls: 0", "plans.small.concurrent_calls"),
        ("concurrent_calls: 2", "concurrent_calls: true", "plans.small.concurrent_calls"),
        ("credit: 7.5", "credit: 0", "plans.small.credit"),
        ("seats: 3", "seats: 2.5", "plans.small.seats"),
        ("seats: 3", "seats: null", "plans.small.seats"),
        ("seats", "seat", "plans.small.seat"),
        ("voice_minute: 8", "voice_minute: 0", "plans.small.prices.voice_minute"),
        ("voice_minute", "voice", "plans.small.prices.voice"),
        ("{voice_minute: 8}", "8", "plans.small.prices"),
        ("default: big", "default: bigger", "default"),
        ("default: big", "standard: big", "default"),
        ("  big:", "  big plan:", "default"),
        ("  big:", "  big: 7", "plans.big"),
    ],
)
def test_a_fault_is_named(before: str, after: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(BadPlans) as caught:
        read_plans(written(tmp_path, GOOD.replace(before, after)))
    assert caught.value.faults[0].split(":")[0] == fault


@pytest.mark.parametrize("text", ["", "- 1", "plans: [", "default: x", "default: x\nplans: {}"])
def test_what_is_no_table_of_plans_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadPlans):
        read_plans(written(tmp_path, text))
