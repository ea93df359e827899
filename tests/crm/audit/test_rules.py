"""What is written down of a request."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.audit.rules import BODY_BYTES_MAX, is_told, may_be_told, told_of


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/api/leads", 403, True),
        ("GET", "/api/leads", 200, False),
        ("POST", "/api/leads", 201, False),
        ("PATCH", "/api/members/{user_id}", 200, True),
        ("PATCH", "/api/members/{user_id}", 404, False),
        ("GET", "/api/members", 200, False),
        ("POST", "/api/keys", 201, True),
        ("DELETE", "/api/calls/{call_id}/recording", 202, True),
        ("DELETE", "/api/leads/{lead_id}", 204, True),
        ("PUT", "/api/leads/{lead_id}", 200, True),
        ("PATCH", "/api/tasks/{task_id}", 200, True),
        ("POST", "/api/leads/{lead_id}/notes", 201, False),
        ("PUT", "/api/agents/{agent_id}", 200, True),
        ("POST", "/api/pipelines", 201, True),
        ("POST", "/api/prompts/{prompt_id}/versions", 201, True),
        ("DELETE", "/api/custom-fields/{field_id}", 204, True),
        ("GET", "/api/calls/{call_id}/recording", 200, False),
        ("GET", "/api/votes/export", 200, True),
        ("GET", "/api/ledger/statement.csv", 200, True),
    ],
)
def test_refusals_changes_and_exports(method: str, path: str, status: int, told: bool) -> None:
    assert is_told(method, path, status) is told
    if told and method != "GET":
        assert may_be_told(method, path), "or its body would be lost"


def test_secrets_are_left_out() -> None:
    body = {"name": "till", "key": "sk-1234", "scopes": ["leads:read"], "on": True, "nothing": None, "text": "x" * 500}
    told = told_of(json.dumps(body).encode(), "/api/keys")
    assert told == {
        **{"name": "till", "key": "[secret]", "scopes": '["leads:read"]', "on": True, "nothing": None},
        "text": "x" * 200,
    }


JSON = st.recursive(
    st.none() | st.text() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.binary(max_size=300) | JSON.map(json.dumps).map(str.encode))
def test_any_body_leaves_something_that_can_be_kept(body: bytes) -> None:
    assert json.loads(json.dumps(told_of(body, "/api/keys"))) is not None
    assert b"\x00" not in json.dumps(told_of(b'{"a": "\\u0000\\ud800"}', "/api/keys")).encode()


def test_a_long_body_is_not_kept() -> None:
    assert told_of(json.dumps({"a": "x" * BODY_BYTES_MAX}).encode(), "/api/keys") == {}


def test_of_a_persons_data_only_what_was_changed_is_kept() -> None:
    assert told_of(b'{"name": "Dana", "phone": "+12025550142"}', "/api/leads/{lead_id}") == {}
