"""An example of whatever a JSON schema describes, for the OpenAPI document. Sans-I/O.

Made from the schema, so that it cannot differ from it: an example that the schema itself gives, or else what is usual
for the field's name, or for its type.
"""

from collections.abc import Mapping
from typing import Any, Final

MOMENT: Final = "2026-05-04T12:00:00+00:00"
ID: Final = "0196f3a2-5c1e-7d42-9a3b-1f0e8c6d7b54"
DEPTH_MAX: Final = 12
# Texts, by the name of their field.
WORDS: Final[Mapping[str, str]] = {
    "address": "dana@bakery.example",
    "code": "en",
    "company": "Bakery",
    "content": "See you on Tuesday at ten.",
    "email": "dana@bakery.example",
    "evidence": "said so in a letter of 4 May",
    "full_name": "Ada Lovelace",
    "name": "Dana",
    "next": "eyJzb3J0IjoiLWF0In0",
    "number": "+12025550142",
    "phone": "+12025550142",
    "pipeline": "novos-leads",
    "quote": "It is too dear for us.",
    "role": "admin",
    "source": "form",
    "status": "novo",
    "text": "Likes to be called in the morning.",
    "time_zone": "America/New_York",
    "title": "Call Dana back",
    "url": "https://hooks.example.com/in",
    "zone": "America/New_York",
}
_FORMATS: Final[Mapping[str, str]] = {
    "date": "2026-05-04",
    "date-time": MOMENT,
    "time": "09:00:00",
    "uri": "https://crm.example.com/",
    "uuid": ID,
}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
    """Return a value that the schema lets through.

    Args:
        schemas: what `#/components/schemas/` holds.
        name: of the field that is meant.
    """
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rpartition("/")[2]], schemas, name, depth)
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    if "const" in schema:
        return schema["const"]
    for either in ("anyOf", "oneOf"):
        if either in schema:
            return example_of(schema[either][0], schemas, name, depth)
    if depth > DEPTH_MAX:
        return None
    match schema.get("type"):
        case "object":
            return _object(schema, schemas, name, depth)
        case "array":
            items = schema.get("prefixItems") or [schema.get("items", {})]
            return [example_of(item, schemas, name, depth + 1) for item in items]
        case "string":
            return _text(schema, name)
        case "integer" | "number" as kind:
            return schema.get("minimum", 1 if kind == "integer" else 0.5)
        case "boolean":
            return True
        case _:
            return None


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str, depth: int) -> Any:
    if "properties" in schema:
        asked = schema.get("required", ())
        # What may be left out is left out.
        fields = {field: inner for field, inner in schema["properties"].items() if field in asked}
        return {field: example_of(inner, schemas, field, depth + 1) for field, inner in fields.items()}
    inner = schema.get("additionalProperties")
    if not isinstance(inner, dict) or not inner:
        return {"city": "Recife"} if name == "custom_fields" else {}
    keys = schema.get("propertyNames", {"type": "string"})
    return {str(example_of(keys, schemas, "key")): example_of(inner, schemas, name, depth + 1)}


def _text(schema: Mapping[str, Any], name: str) -> str:
    if "format" in schema:
        return _FORMATS.get(schema["format"], "")
    words = WORDS.get(name, name or "text")
    return words[: schema.get("maxLength", len(words))]
