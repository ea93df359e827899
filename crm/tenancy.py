"""Which tables are no tenant's: the whole list of exceptions to keys of (org_id, id) and to row security.

Every other table carries org_id first in its primary key and has row-level security forced; a test reads the
catalog and holds this list against it.
"""

from typing import Final

# Keyed otherwise, but under row security: the organisation itself, people who may belong to several, the tie,
# and where they are signed in.
IDENTITY_TABLES: Final = frozenset({"organisations", "users", "members", "user_sessions"})

# Machinery without a tenant, by name.
JOB_TABLES: Final = frozenset(
    {
        "dead_letters",  # what could not be applied
        "event_cursors",  # where the streams are read to
        "job_failures",  # where jobs failed
        "ledger_duties",  # whose ledgers are to be replayed
        "model_usage_days",  # what models took of all organisations together
        "note_duties",  # which calls' notes are to be written
        "pending_dials",  # which dials await a word
        "procrastinate_events",
        "procrastinate_jobs",  # what is to be done; args hold ids only
        "procrastinate_periodic_defers",
        "procrastinate_workers",
        "recording_duties",  # whose recordings are to be looked through
        "sign_in_attempts",  # of mail addresses, as keyed hashes
        "usage_reconciliations",
    }
)

# What runs with the owner's rights, past row security: reviewed one by one. Each asks for the transaction's
# organisation itself, and nobody may run it but the application.
OWNERS_FUNCTIONS: Final = frozenset(
    {
        "dead_letter",
        "ledger_put_away",  # moves the organisation's own postings that are older than a year
        "make_audit_months",  # reads and writes no row: makes empty tables
        "search_leads",
    }
)

# Alembic's own.
MIGRATION_TABLES: Final = frozenset({"alembic_version"})
