"""The page of the data model says what the models are."""

import re
from pathlib import Path

from crm.data_model import page
from crm.database import Row


def test_the_page_is_up_to_date(repository: Path) -> None:
    written = (repository / "docs" / "data-model.md").read_text()
    assert written == page(), "make it anew: python -m crm.data_model > docs/data-model.md"


def test_every_table_stands_on_it_with_every_column() -> None:
    told = page()
    for table in Row.metadata.tables.values():
        [part] = re.findall(rf"^    {table.name} {{\n(.*?)^    }}", told, re.MULTILINE | re.DOTALL)
        assert [line.split()[1] for line in part.splitlines()] == [column.name for column in table.columns]
    assert 'calls ||--o{ turns : "call_id"' in told
    assert 'leads ||--o{ calls : "lead_id"' in told
