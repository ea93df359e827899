"""The page of the data model, drawn from the models: `python -m crm.data_model > docs/data-model.md`.

Knows columns and types; which column names a row of which table it tells by the names, because models have no foreign
keys (the migrations have). A test holds the page against what this makes.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Final

from sqlalchemy import Column, Table

from crm.database import Row
from crm.tenancy import IDENTITY_TABLES, JOB_TABLES

HERE: Final = Path(__file__).parent
# Columns that name a row by another word than its table's.
OTHERS: Final = {
    "created_by": "users",
    "made_by": "users",
    "owner_id": "users",
    "org_id": "organisations",
    "turn_id": "turns",
    "user_id": "users",
}
TYPES: Final = {
    "BLOB": "bytea",
    "CHAR(32)": "uuid",
    "DATETIME": "timestamptz",
}
HEAD: Final = """# The data model

Drawn from the models by `python -m crm.data_model`; a test holds it against them. One part for each folder of `crm/`.

Every table carries `org_id` first in its key `(org_id, id)` and has row-level security forced: a transaction sees the
organisation that it acts for (`crm/unit_of_work.py`). Exceptions are marked: *identity* tables are keyed otherwise,
*machinery* belongs to no organisation (`crm/tenancy.py`). Lines say that a column names a row of the other table; those
to `organisations` are left out, for all have one.
"""


def page() -> str:
    """Return the whole page."""
    folders = sorted(found.parent.name for found in HERE.glob("*/model.py"))
    for folder in folders:
        # A model is known to the others by being imported.
        import_module(f"crm.{folder}.model")
    return "\n".join([HEAD, *(_part(folder) for folder in folders)])


def _part(folder: str) -> str:
    module = import_module(f"crm.{folder}.model")
    tables = [made.__table__ for made in vars(module).values() if _is_model(made, module.__name__)]
    lines = [f"## {folder.capitalize()}", "", "```mermaid", "erDiagram"]
    for table in tables:
        lines += [f"    {table.name} {{", *(_column(column) for column in table.columns), "    }"]
    for table in tables:
        lines += [line for column in table.columns if (line := _line(table, column))]
    exceptions = [f"`{table.name}` is {_exception(table.name)}." for table in tables if _exception(table.name)]
    return "\n".join([*lines, "```", *(["", " ".join(exceptions)] if exceptions else []), ""])


def _is_model(made: object, module: str) -> bool:
    return isinstance(made, type) and issubclass(made, Row) and made.__module__ == module


def _column(column: Column[object]) -> str:
    key = " PK" if column.primary_key else ""
    spelled = str(column.type)
    kind = TYPES.get(spelled, spelled.lower())
    return f"        {kind} {column.name}{key}"


def _line(table: Table, column: Column[object]) -> str | None:
    if column.name not in OTHERS and not column.name.endswith("_id"):
        return None
    named = OTHERS.get(column.name) or f"{column.name.removesuffix('_id')}s"
    if named == "organisations" or named == table.name or named not in Row.metadata.tables:
        return None
    return f'    {named} ||--o{{ {table.name} : "{column.name}"'


def _exception(table: str) -> str:
    return "an identity table" if table in IDENTITY_TABLES else "machinery" if table in JOB_TABLES else ""


def main() -> None:
    sys.stdout.write(page())


if __name__ == "__main__":
    main()
