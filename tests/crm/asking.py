"""Requests made from the OpenAPI document: every documented route, with a body that its schema lets through."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

JSON: Final = "application/json"

Ids = Mapping[str, str]
"""What stands for each parameter or field that names something, by the name of the parameter or field."""

# Texts that a schema alone does not tell how to write.
TEXTS: Final[Mapping[str, str]] = {
    "closes": "17:00:00",
    "color": "#1f77b4",
    "column": "name",
    "email": "eve@example.com",
    "key": "sk-0123456789",
    "kind": "price",
    "month": "2020-01",
    "number": "+12025550123",
    "opens": "09:00:00",
    "playbook": "meeting",
    "scopes": "leads:read",
    "time_zone": "UTC",
    "token": "a-token-that-nobody-gave",
    "url": "https://hooks.example.com/in",
    "version": "1.0",
}
# Fields that are needed, or mean something else than the name of what is there, which a schema does not tell.
MORE: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("PUT", "/api/settings/calling-hours"): {"week": {"monday": "09:00-21:00"}},
    ("PATCH", "/api/members/{user_id}"): {"role": "rep"},
    ("PATCH", "/api/organisation"): {"sensitivity": "normal"},
    ("POST", "/api/pipelines"): {"slug": "made-by-crawler"},
    ("POST", "/api/pipelines/{pipeline_id}/stages"): {"slug": "made-by-crawler"},
    ("POST", "/api/prompts"): {"slug": "made-by-crawler"},
    ("PUT", "/api/prompts/{slug}/shares"): {"shares": {"1.0": 50, "1.1": 50}},
}


# Bodies that are taken as they are.
FILES: Final[Mapping[tuple[str, str], bytes]] = {("POST", "/api/imports"): b"name,phone\nEve,+12025550123\n"}


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    path: str  # as it is declared
    path_names: tuple[str, ...]
    query_names: tuple[str, ...]
    body_names: tuple[str, ...]  # of `ids` that its body holds
    url: str
    body: Any  # of JSON; None: without
    file: bytes = b""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def questions(document: Mapping[str, Any], ids: Ids) -> Iterator[Asked]:
    """Yield one request for every operation, with `ids` wherever one of their names is asked for."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield _question(document, ids, method.upper(), path, operation)


def _question(document: Mapping[str, Any], ids: Ids, method: str, path: str, operation: Mapping[str, Any]) -> Asked:
    url, query = path, []
    in_path, in_query = [], []
    for parameter in operation.get("parameters", ()):
        name = parameter["name"]
        if parameter["in"] == "path":
            in_path.append(name)
            value = ids[name] if name in ids else sample(document, parameter["schema"], ids, name)
            url = url.replace(f"{{{name}}}", str(value))
        elif parameter["in"] == "query" and (name in ids or parameter.get("required")):
            in_query.append(name)
            value = ids[name] if name in ids else sample(document, parameter["schema"], ids, name)
            query.append(f"{name}={value}")
    content = operation.get("requestBody", {}).get("content", {})
    body = sample(document, content[JSON]["schema"], ids, "") if JSON in content else None
    if isinstance(body, dict):
        body |= MORE.get((method, path), {})
    if query:
        url = f"{url}?{'&'.join(query)}"
    in_body = tuple(sorted(names_within(body, ids)))
    return Asked(method, path, tuple(in_path), tuple(in_query), in_body, url, body, FILES.get((method, path), b""))


def names_within(body: Any, ids: Ids) -> set[str]:
    """Return the names of `ids` that a body holds, in whatever depth."""
    if isinstance(body, list):
        return {name for part in body for name in names_within(part, ids)}
    if not isinstance(body, dict):
        return set()
    own = {singular(name) for name, value in body.items() if value not in (None, [])}
    return (own & ids.keys()) | {name for value in body.values() for name in names_within(value, ids)}


def singular(name: str) -> str:
    """Return what one of a list of ids is called."""
    return name.removesuffix("s") if name.endswith("_ids") else name


def sample(document: Mapping[str, Any], schema: Mapping[str, Any], ids: Ids, name: str) -> Any:
    """Return a value that the schema lets through: what is required of an object, and what names something."""
    if "$ref" in schema:
        return sample(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], ids, name)
    if name in ids:
        return ids[name]
    if "anyOf" in schema:
        return sample(document, schema["anyOf"][0], ids, name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            asked = [field for field in fields if field in schema.get("required", ()) or singular(field) in ids]
            return {field: sample(document, fields[field], ids, field) for field in asked}
        case "array":
            if singular(name) in ids:
                return [ids[singular(name)]]
            return [sample(document, schema["items"], ids, name) for _ in range(schema.get("minItems", 0))]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return TEXTS.get(name, "x" * max(1, schema.get("minLength", 1)))
        case kind:
            raise AssertionError(f"{name}: how is a {kind} made?")
