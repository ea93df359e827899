"""Which tables are no tenant's: the whole list of exceptions to keys of (org_id, id) and to row security.

Every other table carries org_id first in its primary key and has row-level security forced; a test reads the
catalog and holds this list against it.
"""

from typing import Final

# Keyed otherwise, but under row security: the organisation itself, people who may belong to several, and the tie.
IDENTITY_TABLES: Final = frozenset({"organisations", "users", "members"})

# Machinery without a tenant: where the streams are read to, what could not be applied, which dials await a
# word, whose recordings are to be looked through, which calls' notes are to be written, and what models took of all
# organisations together.
JOB_TABLES: Final = frozenset(
    {
        *("event_cursors", "dead_letters", "pending_dials", "recording_duties", "note_duties"),
        *("model_usage_days", "usage_reconciliations"),
    }
)

# Alembic's own.
MIGRATION_TABLES: Final = frozenset({"alembic_version"})
