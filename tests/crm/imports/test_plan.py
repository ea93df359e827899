"""A plan says where columns go; what does not go together is refused by name."""

import json
from typing import Any

import pytest

from crm.imports.plan import BadPlan, plan_of, restored

NAMES = ["Nome", "E-mail", "Cidade"]


def asked(*columns: tuple[str, str], **changes: Any) -> Any:
    how: dict[str, Any] = {"match_on": ["email", "phone"], "when_found": "skip", "region": "", "defaults": {}}
    return plan_of(columns or [("Nome", "name"), ("E-mail", "email")], NAMES, **(how | changes))


def test_a_plan_is_kept_and_read_again() -> None:
    columns = ("Nome", "name"), ("E-mail", "email"), ("Cidade", "custom_fields.city"), ("Cidade", "notes")
    plan = asked(*columns, region="BR", defaults={"source": "fair"}, when_found="update")
    assert plan.mapping == {0: ("name",), 1: ("email",), 2: ("custom_fields.city", "notes")}
    assert plan.match_on == ("email",), "no column holds a number"
    assert restored(json.loads(json.dumps(plan.stored()))) == plan


@pytest.mark.parametrize(
    ("columns", "changes", "field", "fault"),
    [
        ([("Name", "name")], {}, "mapping", "no column 'Name'"),
        ([("Nome", "nome")], {}, "mapping", "none of: name"),
        ([("Nome", "custom_fields. ")], {}, "mapping", "none of"),
        ([("Nome", "custom_fields." + "x" * 101)], {}, "mapping", "none of"),
        ([("Nome", "name"), ("Cidade", "name")], {}, "mapping", "two columns"),
        ([("E-mail", "email")], {}, "mapping", "every lead has one"),
        ([("Nome", "name"), ("Cidade", "last_name")], {}, "mapping", "without first_name"),
        ([("Nome", "name")], {}, "match_on", "always create"),
        ([("Nome", "name"), ("E-mail", "email")], {"match_on": ["phone"]}, "match_on", "always create"),
        ([("Nome", "name"), ("E-mail", "email")], {"region": "ZZ"}, "region", "two letters"),
    ],
)
def test_what_does_not_go_together(columns: Any, changes: Any, field: str, fault: str) -> None:
    with pytest.raises(BadPlan) as refused:
        asked(*columns, **changes)
    (told,) = refused.value.details["fields"]
    assert told["field"] == f"body.{field}"
    assert fault in told["fault"]


def test_without_keys_rows_can_always_be_created() -> None:
    assert asked(("Nome", "name"), when_found="create").match_on == ()
