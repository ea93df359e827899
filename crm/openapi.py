"""What the OpenAPI document says beyond what routes declare: the one shape of refusals (W8), examples, and tags."""

from types import ModuleType
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from crm.openapi_examples import MOMENT, example_of

TRACE: Final = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Every refusal and fault (RFC 9457).",
    "required": ["type", "title", "status", "success", "code", "details", "timestamp", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "success": {"const": False},
        "code": {"type": "string", "description": "Stable; the guide lists them."},
        "details": {"type": "object"},
        "timestamp": {"type": "string", "format": "date-time"},
        "trace_id": {"type": "string"},
    },
    "examples": [
        {
            "type": "urn:salesos:problem:lead_not_found",
            "title": "There is no such lead",
            "status": 404,
            "success": False,
            "code": "lead_not_found",
            "details": {"lead_id": TRACE},
            "timestamp": MOMENT,
            "trace_id": TRACE,
        }
    ],
}
_JSON: Final = "application/json"
_PROBLEM_CONTENT: Final = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def tag_of(feature: ModuleType) -> str:
    """Return the folder that a feature's routes stand in."""
    return feature.__name__.split(".")[1]


def describe(app: FastAPI) -> None:
    """Let the application's document say them, made once when it is first asked for."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes)
            made["components"]["schemas"]["Problem"] = PROBLEM
            for operations in made["paths"].values():
                for operation in operations.values():
                    _complete(operation["responses"], made["components"]["schemas"])
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the framework's own way


def _complete(responses: dict[str, Any], schemas: dict[str, Any]) -> None:
    # Nothing is answered in the framework's own form of a validation error.
    responses.pop("422", None)
    for status, response in responses.items():
        content = response.get("content", {})
        if status.startswith("2") and _JSON in content:
            content[_JSON]["example"] = example_of(content[_JSON]["schema"], schemas)
    responses["default"] = {"description": "Refused, or a fault", "content": _PROBLEM_CONTENT}
