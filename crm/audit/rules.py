"""What goes into the audit log, and what of it (S18). Sans-I/O."""

import json
from typing import Any, Final

# Changes below these are written down: who may do what, where things go, what is lost for good, money given back.
WRITES: Final = (
    "/api/agents",
    "/api/custom-fields",
    "/api/exports",
    "/api/imports",
    "/api/invitations",
    "/api/keys",
    "/api/members",
    "/api/merges",
    "/api/organisation",
    "/api/passwords",
    "/api/phone-numbers",
    "/api/pipelines",
    "/api/prompts",
    "/api/providers",
    "/api/sessions",
    "/api/settings",
    "/api/tags",
    "/api/webhooks",
)
# What is changed or removed below these is; what was added tells itself who made it.
CHANGES: Final = ("/api/leads", "/api/tasks")
# Changes of these paths are, too, wherever they stand.
WRITES_ENDING: Final = ("/content", "/recording", "/refunds", "/grants", "/shares", "/active", "/merge", "/ticket")
# Reading these carries data out.
EXPORTS: Final = ("/api/exports", "/api/ledger/statement.csv", "/api/ledger/archive.csv", "/api/votes/export")
SECRETS: Final = frozenset({"password", "new_password", "old_password", "key", "secret", "token"})
BODY_BYTES_MAX: Final = 4_096  # of a body; a longer one is not kept
TEXT_CHARS_MAX: Final = 200
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def may_be_told(method: str, path: str) -> bool:
    """Whether a request to a path as it was asked may go into the log, so that its body is to be kept meanwhile."""
    if method in ("PUT", "PATCH", "DELETE") and path.startswith(CHANGES):
        return True
    return method not in _READS and (path.startswith(WRITES) or path.endswith(WRITES_ENDING))


def is_told(method: str, path: str, status: int) -> bool:
    """Whether an answered request goes into the log: refusals, whoever they met; changes and exports that were made."""
    if status == 403:
        return True
    if status >= 400:
        return False
    return path.startswith(EXPORTS) if method in _READS else may_be_told(method, path)


def told_of(body: bytes, path: str) -> dict[str, Any]:
    """Return what is kept of a body: the fields of a JSON object, texts shortened, secrets left out.

    Of a person's data nothing: what was changed of it is told masked, as changes.
    """
    if not body or len(body) > BODY_BYTES_MAX:
        return {}
    if path.startswith(CHANGES) and not path.endswith(WRITES_ENDING):
        return {}
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {name: _plain(name, value) for name, value in fields.items()} if isinstance(fields, dict) else {}


def _plain(name: str, value: Any) -> Any:
    if name in SECRETS:
        return "[secret]"
    # Postgres keeps no NUL, and no half of a surrogate pair.
    text = json.dumps(value).replace("\\u0000", "").encode("utf-8", "replace").decode()
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()[:TEXT_CHARS_MAX]
    if isinstance(value, bool | int | float | None):
        return value
    return text[:TEXT_CHARS_MAX]
