"""Holds answers against what the OpenAPI document says of them: all of it has to be there, and nothing else."""

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import httpx
from fastapi import FastAPI
from jsonschema_rs import Draft202012Validator

from crm.features import FEATURES
from crm.openapi import describe

JSON: Final = "application/json"
_REFERENCE: Final = re.compile(r'"#/components/schemas/([^"]+)"')
# A path may name the organisation; routes are declared without (crm.organisation_path).
_NAMED: Final = re.compile("^/api/organisations/[^/]+/")


@cache
def document() -> dict[str, Any]:
    """Return the document that the CRM serves."""
    app = FastAPI()
    for feature in FEATURES:
        app.include_router(feature.router)
    describe(app)
    return app.openapi()


def check(answer: httpx.Response) -> None:
    """Fail where a success differs from its description; answers of routes that are not documented pass."""
    if not answer.content or answer.headers.get("content-type") != JSON:
        return
    path = _path_of(_NAMED.sub("/api/", answer.request.url.path))
    if path is None:
        return
    validator = _validator(answer.request.method.lower(), path, answer.status_code)
    faults = [f"{fault.instance_path}: {fault.message}" for fault in validator.iter_errors(answer.json())]
    assert faults == [], f"{answer.request.method} {path} answers otherwise than it says: {faults[:5]}"


def schema_of(method: str, path: str, status: int) -> dict[str, Any]:
    """Return the schema of a success, with all that it refers to. One that is not described is refused."""
    responses = document()["paths"][path][method]["responses"]
    described = responses.get(str(status))
    assert described is not None, f"{method} {path} answers {status}, which it does not say"
    assert JSON in described.get("content", {}), f"{method} {path} answers JSON, which it does not say"
    asked = described["content"][JSON]["schema"]
    return {**asked, "components": {"schemas": _reached(asked)}}


def _reached(schema: Any) -> dict[str, Any]:
    """Return the schemas that one refers to, and those that these do; all of them would be read for every route."""
    found: dict[str, Any] = {}
    waiting = [schema]
    while waiting:
        for name in _REFERENCE.findall(json.dumps(waiting.pop())):
            if name not in found:
                found[name] = _schemas()[name]
                waiting.append(found[name])
    return found


@cache
def _schemas() -> dict[str, Any]:
    return {name: _closed(schema) for name, schema in document()["components"]["schemas"].items()}


@cache
def _validator(method: str, path: str, status: int) -> Draft202012Validator:
    return Draft202012Validator(schema_of(method, path, status), validate_formats=True)


@cache
def _patterns() -> Sequence[tuple[re.Pattern[str], str]]:
    # What is spelled out goes before what is a parameter.
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)), path) for path in paths]


def _path_of(asked: str) -> str | None:
    return next((path for pattern, path in _patterns() if pattern.fullmatch(asked)), None)


def _closed(schema: Any) -> Any:
    """Return a schema whose objects hold what they name and no more."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if "properties" in closed and "additionalProperties" not in closed:
        closed["additionalProperties"] = False
    return closed
