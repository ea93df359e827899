"""A lead as a row of cells."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from crm.exports.columns import CUSTOM_MAX, NAMES_MAX, OTHER, CustomNames, cells_of, header_of
from crm.imports.guessing import guess
from crm.leads.model import Lead

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OWNER = uuid4()


def lead(**fields: Any) -> Lead:
    made = {
        **{"id": UUID(int=1), "name": "Ana", "email": None, "phone": "+12025550199", "company": "", "source": "fair"},
        **{"pipeline": "p", "status": "novo", "score": 7, "do_not_call": False, "time_zone": "", "owner_id": OWNER},
        **{"next_step": "", "notes": "n", "created_at": AT, "updated_at": AT, "custom_fields": {}},
    }
    return Lead(org_id=uuid4(), **(made | fields))


def test_each_column_has_its_cell_and_an_import_knows_them() -> None:
    custom = ["city", "status"]
    header = header_of(custom, others=True)
    fields = {"city": "Recife", "size": 3, "list": [1]}
    cells = cells_of(lead(custom_fields=fields, do_not_call=True), {OWNER: "o@x.com"}, custom, others=True)
    row = dict(zip(header, cells, strict=True))
    assert (row["name"], row["email"], row["score"], row["do_not_call"]) == ("Ana", "", 7, "yes")
    assert (row["owner"], row["created_at"]) == ("o@x.com", "2026-01-02T03:04:05+00:00")
    assert (row["city"], row["status (custom)"], row[OTHER]) == ("Recife", "", '{"size": 3, "list": [1]}')
    known = {told.to for told in guess(header, [], has_header=True)}
    assert known >= {"name", "email", "phone", "company", "owner", "do_not_call", "custom_fields.city", ""}
    assert "custom_fields.id" not in known


def test_the_fields_of_most_leads_get_columns() -> None:
    names = CustomNames()
    for number in range(NAMES_MAX + 10):
        names.add({"city": "x", f"made up {number}": 1})
    chosen, others = names.chosen()
    assert len(chosen) == CUSTOM_MAX
    assert "city" in chosen
    assert others
    few = CustomNames()
    few.add({"b": 1, "a": 2})
    assert few.chosen() == (["a", "b"], False)


def test_defined_fields_have_columns_in_their_own_order_in_any_case() -> None:
    names = CustomNames(["size", "city"])
    for _ in range(3):
        names.add({"zip": 1, "city": "x", "age": 2})
    assert names.chosen() == (["size", "city", "age", "zip"], False)
