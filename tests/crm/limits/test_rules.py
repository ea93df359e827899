"""Windows and what is told of them."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from crm.limits.rules import Rules, Standing, Window, group_of, is_unlimited, stricter, windows

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
HERE = Window("a:60:0", 10, 60, 60)


@given(st.floats(0, 4e9), st.sampled_from(["1/second", "7/minute", "500/hour;100/minute", "3/day"]))
def test_each_moment_is_in_the_window_that_is_named(now_s: float, limit: str) -> None:
    found = windows(limit, "x", now_s)
    assert len(found) == limit.count(";") + 1
    for window in found:
        assert window.ends_at_s - window.length_s <= now_s < window.ends_at_s
        later = windows(limit, "x", window.ends_at_s)
        assert window.key not in {other.key for other in later}, "a window that is over is counted no more"


def test_what_leaves_less_is_told() -> None:
    first = stricter(None, HERE, 3)
    assert first == Standing(10, 7, 60)
    assert stricter(first, Window("b", 8, 3600, 3600), 3) == Standing(8, 5, 3600)
    assert stricter(first, Window("b", 100, 3600, 3600), 3) == first
    assert stricter(first, Window("b", 10, 3600, 3600), 3) == Standing(10, 7, 3600), "the later end among equals"


def test_the_last_one_is_served_and_the_next_is_not() -> None:
    assert stricter(None, HERE, 10) == Standing(10, 0, 60, over=False)
    assert stricter(None, HERE, 11) == Standing(10, 0, 60, over=True)
    # One that is just full does not hide one that is over.
    assert stricter(Standing(10, 0, 60), Window("b", 5, 30, 30), 6).over


def test_groups_are_told_by_whole_parts_of_a_path() -> None:
    assert group_of("/api/leads") == group_of("/api/leads/{lead_id}/timeline") == "leads"
    assert group_of("/api/chat/answers") == "models"
    assert group_of("/api/leadsmore") is None


@pytest.mark.parametrize(
    ("address", "unlimited"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.9", True), ("10.0.0.1", False), ("", False), ("x", False)],
)
def test_who_is_not_counted(address: str, unlimited: bool) -> None:
    assert is_unlimited(address, LOOPBACK) is unlimited


def test_the_settings_begin_with_the_same_figures() -> None:
    settings = Settings.model_construct()
    shown = {name: getattr(settings, f"limit_{name}") for name in Rules.__dataclass_fields__}
    assert Rules(**shown) == Rules()
