"""What a request changes, row by row: each field before and after, for the audit log (S18).

Taken from what sessions write, so that no use case can forget to tell; kept only once it is committed. Statements that
change rows without reading them are not seen. Secrets are left out and what is personal is masked, as in logs.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session
from sqlalchemy.orm.session import SessionTransaction
from sqlalchemy.orm.state import InstanceState

from config.masks import mask
from crm.audit.rules import TEXT_CHARS_MAX

ROWS_MAX: Final = 20  # of one request; the rest are counted only
# Machinery: nothing that anybody changed.
UNTOLD_TABLES: Final = frozenset({"idempotency_keys", "outbox_events", "sign_in_attempts", "user_sessions", "users"})
UNTOLD_FIELDS: Final = frozenset({"org_id", "version", "updated_at", "score_due"})
# Fields with such words in their names hold what opens something.
SECRET_WORDS: Final = ("hash", "key", "password", "secret", "token", "sealed")
_PENDING: Final = "audit.changes"

_collecting: Final[ContextVar[list[dict[str, Any]] | None]] = ContextVar("audit_changes", default=None)


@contextmanager
def collected() -> Iterator[list[dict[str, Any]]]:
    """Give a list that fills with what is committed in the block: {table, id, fields: {name: [before, after]}}."""
    found: list[dict[str, Any]] = []
    token = _collecting.set(found)
    try:
        yield found
    finally:
        _collecting.reset(token)


def fields_changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, list[Any]]:
    """Return what differs, as it is told; of JSON objects, key by key."""
    told: dict[str, list[Any]] = {}
    for name in sorted({*before, *after} - UNTOLD_FIELDS):
        was, now = before.get(name), after.get(name)
        if was == now:
            continue
        if isinstance(was, dict) and isinstance(now, dict):
            for key in sorted({*was, *now}):
                if was.get(key) != now.get(key):
                    told[f"{name}.{key}"[:TEXT_CHARS_MAX]] = _pair(f"{name}.{key}", was.get(key), now.get(key))
        else:
            told[name] = _pair(name, was, now)
    return told


def _pair(name: str, was: Any, now: Any) -> list[Any]:
    if any(word in name.lower() for word in SECRET_WORDS):
        return ["[secret]", "[secret]"]
    return [_plain(was), _plain(now)]


def _plain(value: Any) -> Any:
    """Return a value as JSON that Postgres keeps, texts masked and shortened."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, UUID | datetime):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    # No NUL, and no half of a surrogate pair.
    return mask(text.replace("\x00", "").encode("utf-8", "replace").decode())[:TEXT_CHARS_MAX]


@event.listens_for(Session, "after_flush")
def _flushed(session: Session, _context: Any) -> None:
    if _collecting.get() is None:
        return
    pending: list[dict[str, Any]] = session.info.setdefault(_PENDING, [])
    # Before the flush is over the session still knows what was there before.
    for row in session.dirty:
        _note(pending, inspect(row), gone=False)
    for row in session.deleted:
        _note(pending, inspect(row), gone=True)


def _note(pending: list[dict[str, Any]], state: InstanceState[Any], *, gone: bool) -> None:
    table = str(state.mapper.class_.__tablename__)
    if table in UNTOLD_TABLES:
        return
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for attribute in state.mapper.column_attrs:
        if gone:
            before[attribute.key] = state.dict.get(attribute.key)
            continue
        history = state.attrs[attribute.key].history
        if history.has_changes():
            before[attribute.key] = history.deleted[0] if history.deleted else None
            after[attribute.key] = history.added[0] if history.added else None
    # What was empty is not missed.
    fields = fields_changed(
        {name: was for name, was in before.items() if not gone or was not in (None, "", [], {})}, after
    )
    if fields:
        identity = state.identity or ()
        pending.append({"table": table, "id": str(identity[-1]) if identity else "", "fields": fields})


@event.listens_for(Session, "after_commit")
def _committed(session: Session) -> None:
    found = _collecting.get()
    # A savepoint may yet be lost with the whole.
    if found is None or session.in_nested_transaction():
        return
    found += session.info.pop(_PENDING, [])[: max(0, ROWS_MAX - len(found))]


@event.listens_for(Session, "after_soft_rollback")
def _rolled_back(session: Session, _previous: SessionTransaction) -> None:
    session.info.pop(_PENDING, None)
