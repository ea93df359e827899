"""Links to files hold what they were made with, and nothing else opens one."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.exports.links import ExportNotFound, link_of, read_link

KEY = "k" * 32
LATER = datetime.now(UTC) + timedelta(hours=1)


def test_a_link_says_whose_file_it_is() -> None:
    org_id, export_id = uuid4(), uuid4()
    token = link_of(org_id, export_id, 3, LATER, KEY).removeprefix("/exports/")
    assert read_link(token, KEY) == (org_id, export_id, 3)
    with pytest.raises(ExportNotFound):
        read_link(token, "other" * 8)


@given(st.text(max_size=60))
def test_any_other_text_opens_nothing(token: str) -> None:
    with pytest.raises(ExportNotFound):
        read_link(token, KEY)
