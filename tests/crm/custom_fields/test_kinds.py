"""What may stand in a custom field."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.custom_fields.kinds import NUMBER_MAX, Definition, Definitions, FieldType, read_text

SEATS = Definition("seats", "Seats", FieldType.NUMBER)
SIZE = Definition("size", "Size", FieldType.CHOICE, ("Small", "Large"), required=True)
FIELDS = Definitions(
    [
        SEATS,
        SIZE,
        Definition("since", "Since", FieldType.DATE),
        Definition("vip", "VIP", FieldType.BOOLEAN),
        Definition("city", "City", FieldType.TEXT),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
NEARLY = st.sampled_from(["Small", "LARGE", "2026-05-04", "2026-13-01", "12.5", "yes", "", " "])


@pytest.mark.parametrize(
    ("key", "given_value", "kept"),
    [
        ("seats", 12.0, 12),
        ("seats", -0.5, -0.5),
        ("size", "large", "Large"),
        ("since", " 2026-05-04 ", "2026-05-04"),
        ("vip", False, False),
        ("city", " São Paulo ", "São Paulo"),
        ("unknown", {"any": [1]}, {"any": [1]}),
        ("unknown", None, None),
    ],
)
def test_what_is_kept(key: str, given_value: Any, kept: Any) -> None:
    made, faults = FIELDS.kept({"size": "Small", key: given_value})
    assert (made[key], faults) == (kept, [])
    assert type(made[key]) is type(kept)


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("seats", "12", "must be a number"),
        ("seats", True, "must be a number"),
        ("seats", float("inf"), "from"),
        ("seats", NUMBER_MAX + 1, "from"),
        ("size", "Medium", "one of: Small, Large"),
        ("size", "", "is required"),
        ("since", "2026-02-30", "a day"),
        ("since", 20260504, "a day"),
        ("vip", "yes", "true or false"),
        ("city", 5, "a text"),
        ("city", "x" * 5_001, "a text"),
    ],
)
def test_what_is_not(key: str, value: Any, fault: str) -> None:
    _, faults = FIELDS.kept({"size": "Small", key: value})
    assert [(told.key, fault in told.fault) for told in faults] == [(key, True)]


def test_what_a_lead_has_already_stays() -> None:
    before = {"seats": "twelve", "vip": 1}
    made, faults = FIELDS.kept({"seats": "twelve", "vip": 1}, before)
    assert (made, faults) == (before, []), "from before the fields were defined; and the lead never had a size"
    _, faults = FIELDS.kept({"seats": "eleven", "vip": True}, before)
    assert [fault.key for fault in faults] == ["seats"]
    _, faults = FIELDS.kept({"seats": 5}, {"size": "Small"})
    assert [(fault.key, fault.fault) for fault in faults] == [("size", "is required")], "it is not taken away"


@given(st.dictionaries(st.sampled_from(["seats", "size", "since", "vip", "city", "x"]), JSON | NEARLY))
def test_any_value_is_kept_or_named(values: dict[str, Any]) -> None:
    made, faults = FIELDS.kept(values)
    assert {fault.key for fault in faults} <= {*values, "size"}
    if not faults:
        again, none = FIELDS.kept(made)
        assert json.dumps(again) == json.dumps(made), "what is kept stays as it is"
        assert none == []


@given(st.sampled_from([*FIELDS]), st.text(max_size=12) | NEARLY)
def test_any_text_is_a_value_or_one_error(one: Definition, text: str) -> None:
    try:
        value = read_text(one, text)
    except ValueError:
        return
    if value is not None:
        assert Definitions([one]).kept({one.key: value}) == ({one.key: value}, [])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("seats=12,0", "seats=12"),
        ("seats=+7.50", "seats=7.5"),
        ("vip=Sim", "vip=true"),
        ("size=small", "size=Small"),
        ("since=2026-05-04", "since=2026-05-04"),
        ("other=a=b", "other=a=b"),
        ("seats", "seats"),
    ],
)
def test_filters_ask_for_values_as_they_are_kept(asked: str, found: str) -> None:
    assert FIELDS.asked(asked) == found


@pytest.mark.parametrize("text", ["1,500", "1.5.2", "twelve", "1e9", "٣", "9" * 16])
def test_what_is_no_number_to_people(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        read_text(SEATS, text)
