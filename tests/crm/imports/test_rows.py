"""Rows checked as the API checks a lead."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from crm.custom_fields.kinds import Definitions
from crm.imports.csv_rows import Record
from crm.imports.plan import Plan
from crm.imports.rows import Checked, RowCheck
from crm.leads.routes import LeadBody
from crm.pipelines.known import Named, Place, Places

OWNER = uuid4()
FIELDS = (
    "name",
    "email",
    "phone",
    "company",
    "status",
    "score",
    "notes",
    "time_zone",
    "do_not_call",
    "custom_fields.a",
)
STAGES = ("novo", "won", "do_not_call")
PLACES = Places(Named(Place("novos-leads", slug), "New leads", slug.title(), True) for slug in STAGES)
CHECK = RowCheck(Plan({place: (name,) for place, name in enumerate(FIELDS)}), FIELDS, {}, PLACES, Definitions())


def check(**values: str) -> Checked:
    return CHECK.check(Record(2, 2, [values.get(name.removeprefix("custom_fields."), "") for name in FIELDS]))


TEXT = st.text(max_size=12)


@given(
    st.fixed_dictionaries(
        {
            "name": TEXT | st.just("x" * 256),
            "email": TEXT | st.sampled_from(["A@B.co", " a@b.co ", "a@b", "a b@c.co", "a" * 65 + "@b.co", "a@b.co\n"]),
            "phone": TEXT | st.sampled_from(["+1 202 555 0199", "+5511988887777", "5511988887777", "+1"]),
            "company": TEXT | st.just("c" * 256),
            "status": st.sampled_from(["", "novo", " won ", "s" * 101]),
            "notes": TEXT | st.just("n" * 20_001),
            "score": st.sampled_from(["", "0", "100", "101", "-1", "1.5", "٣", "x"]),
            "time_zone": st.sampled_from(["", "America/Sao_Paulo", "Mars/Base"]),
        }
    )
)
def test_a_row_is_good_if_the_api_would_take_the_lead(values: dict[str, str]) -> None:
    checked = check(**values)
    given_values: dict[str, Any] = {name: text.strip() for name, text in values.items() if text.strip()}
    if given_values.get("score") == "٣":
        return  # a number to Python and no whole number to us
    # A quote before what could be a formula is our own, from a file that we wrote.
    if any(text.startswith("'") for text in given_values.values()):
        return
    try:
        kept = LeadBody.model_validate({"name": ""} | given_values).model_dump()
    except ValidationError:
        kept = None
    assert (checked.faults == []) is (kept is not None)
    if kept is None:
        return
    for name, text in checked.values.items():
        assert str(kept[name]) == text, name


def test_values_that_are_not_there_are_not_given() -> None:
    checked = check(name=" Ana ", company=" ", a=" x ")
    assert (checked.values, checked.custom, checked.faults) == ({"name": "Ana"}, {"a": "x"}, [])


def test_short_rows_and_long_ones() -> None:
    assert CHECK.check(Record(2, 2, ["Ana"])).faults == []
    assert CHECK.check(Record(2, 2, ["Ana", *[""] * 20])).faults == []
    (fault,) = CHECK.check(Record(2, 2, [*["Ana"] + [""] * (len(FIELDS) - 1), "x"])).faults
    assert (fault.field, "columns" in fault.fault) == ("row", True)


@pytest.mark.parametrize(("word", "kept"), [("Sim", "t"), ("TRUE", "t"), ("x", "t"), ("não", ""), ("0", "")])
def test_words_for_yes_and_no(word: str, kept: str) -> None:
    assert check(name="A", do_not_call=word).values["do_not_call"] == kept


@pytest.mark.parametrize("flag", ["", "no"])
def test_whoever_is_in_the_stage_of_those_not_to_be_called_is_marked(flag: str) -> None:
    assert check(name="A", status="do_not_call", do_not_call=flag).values["do_not_call"] == "t"


def test_names_in_two_halves_and_owners() -> None:
    plan = Plan({0: ("first_name",), 1: ("last_name",), 2: ("owner",)})
    halves = RowCheck(plan, ("first", "last", "owner"), {"ada@x.com": OWNER}, PLACES, Definitions())
    assert halves.check(Record(1, 1, ["Ana", "Souza", "ADA@x.com"])).values == {
        "name": "Ana Souza",
        "owner": str(OWNER),
    }
    assert halves.check(Record(1, 1, ["", "Souza", ""])).values == {"name": "Souza"}
    assert [fault.field for fault in halves.check(Record(1, 1, ["", "", "x@x.com"])).faults] == ["owner", "name"]
    assert halves.check(Record(1, 1, ["n" * 200, "m" * 200, ""])).faults[0].field == "name"


def test_custom_fields_are_bounded_together() -> None:
    many = RowCheck(
        Plan({0: ("name",), 1: ("custom_fields.a",), 2: ("custom_fields.b",)}), "nab", {}, PLACES, Definitions()
    )
    (fault,) = many.check(Record(1, 1, ["A", "x" * 15_000, "y" * 15_000])).faults
    assert fault.field == "custom_fields"


def test_a_nul_is_a_fault() -> None:
    (fault,) = check(name="A\x00B").faults[:1]
    assert "NUL" in fault.fault
