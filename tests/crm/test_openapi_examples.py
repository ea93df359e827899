"""Examples of the OpenAPI document: one of every answer, and none that differs from what it is an example of."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator

from crm.openapi_examples import ID, MOMENT, example_of
from tests.crm.documented import JSON, document, schema_of


def described() -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status.startswith("2") and JSON in response.get("content", {}):
                    yield method, path, int(status), response["content"][JSON]


def test_every_answer_has_an_example_that_it_could_be() -> None:
    told = list(described())
    assert len(told) > 80
    for method, path, status, content in told:
        validator = Draft202012Validator(schema_of(method, path, status), validate_formats=True)
        faults = [fault.message for fault in validator.iter_errors(content["example"])]
        assert faults == [], (method, path, content["example"])


@pytest.mark.parametrize(
    ("schema", "name", "expected"),
    [
        ({"type": "string", "format": "uuid"}, "lead_id", ID),
        ({"type": "string", "format": "date-time"}, "at", MOMENT),
        ({"type": "string"}, "email", "dana@bakery.example"),
        ({"type": "string", "maxLength": 4}, "email", "dana"),
        ({"type": "string"}, "prefix", "prefix"),
        ({"type": "string", "examples": ["VIP"]}, "name", "VIP"),
        ({"enum": ["a", "b"]}, "kind", "a"),
        ({"const": True}, "success", True),
        ({"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]}, "count", 3),
        ({"type": "null"}, "data", None),
        ({"type": "boolean"}, "on", True),
        ({"type": "array", "items": {"type": "number"}}, "shares", [0.5]),
        ({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}]}, "pair", [1, True]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "shares", {"key": 1}),
        ({"type": "object", "additionalProperties": True}, "details", {}),
        ({"$ref": "#/components/schemas/Thing"}, "thing", {"id": ID}),
    ],
)
def test_an_example_is_made_of_the_schema(schema: dict[str, Any], name: str, expected: Any) -> None:
    thing = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string", "format": "uuid"}, "left_out": {"type": "string"}},
    }
    assert example_of(schema, {"Thing": thing}, name) == expected


def test_what_holds_itself_ends() -> None:
    node = {
        "type": "object",
        "required": ["within"],
        "properties": {"within": {"anyOf": [{"$ref": "#/components/schemas/Node"}, {"type": "null"}]}},
    }
    assert "within" in example_of({"$ref": "#/components/schemas/Node"}, {"Node": node})
