"""What must hold in the database after the CRM's processes were killed amid their work: asked as its superuser.

Each question finds what is wrong. Counts that an event adds to (a sum of tokens, a task) tell an event that
was applied twice; places and sums tell one that was lost.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import psycopg

from bench.crm.placed_calls import EXCHANGE_S, EXCHANGES, FUNDS, MODEL, PER_MINUTE, story
from crm.leads.progress import CALLBACK_SCHEDULED
from crm.scoring.rules import Facts, Scheme, score

WHOLE: Final = len(list(story()))
PRICE: Final = PER_MINUTE * EXCHANGES * EXCHANGE_S // 60
_VALUES: Final[Mapping[str, object]] = {
    "whole": WHOLE,
    "turns": 2 * EXCHANGES,
    "price": PRICE,
    "funds": FUNDS,
    "points": score(Facts(status=CALLBACK_SCHEDULED, answered=1), Scheme()).total,
    "model": MODEL,
    "exchanges": EXCHANGES,
}

# Each returns how many things are wrong.
FAULTS: Final[Mapping[str, str]] = {
    "calls that are not where their events end": """SELECT count(*) FROM calls
        WHERE (epoch, seq, event_count) <> (1, %(whole)s, %(whole)s) OR NOT closed OR outcome IS NULL""",
    "calls whose stored events have gaps or doubles": """SELECT count(*) FROM calls AS c LEFT JOIN (
            SELECT org_id, call_id, count(*) AS many, count(DISTINCT (epoch, seq)) AS places, max(seq) AS last
            FROM call_events GROUP BY org_id, call_id) AS e ON e.org_id = c.org_id AND e.call_id = c.id
        WHERE (many, places, last) IS DISTINCT FROM (%(whole)s, %(whole)s, %(whole)s)""",
    "calls with another number of turns": """SELECT count(*) FROM calls AS c
        WHERE (SELECT count(*) FROM turns AS t WHERE t.org_id = c.org_id AND t.call_id = c.id) <> %(turns)s""",
    "calls that were charged otherwise": """SELECT count(*) FROM calls
        WHERE charged <> %(price)s OR held <> 0 OR settled_at IS NULL""",
    "transactions that do not sum to zero": """SELECT count(*) FROM (
        SELECT FROM ledger_entries GROUP BY org_id, transaction_id HAVING sum(amount) <> 0) AS found""",
    "wallets that are not the sum of their entries": """SELECT count(*) FROM ledger_accounts AS a
        WHERE kind = 'wallet' AND balance <> (
            SELECT sum(amount) FROM ledger_entries AS e WHERE e.org_id = a.org_id AND e.account_id = a.id)""",
    "organisations that paid another sum than their calls cost": """SELECT count(*) FROM ledger_accounts AS a
        WHERE kind = 'wallet' AND balance <> %(funds)s - %(price)s * (
            SELECT count(*) FROM calls AS c WHERE c.org_id = a.org_id)""",
    "leads with another score, or another number of tasks, than one call gives": """SELECT count(*) FROM leads AS l
        WHERE score <> %(points)s OR (
            SELECT count(*) FROM tasks AS t WHERE t.org_id = l.org_id AND t.lead_id = l.id) <> 1""",
    "requests to models that were not counted once": """SELECT abs(
        (SELECT coalesce(sum(requests), 0) FROM model_usage_days WHERE model = %(model)s)
        - %(exchanges)s * (SELECT count(*) FROM calls))""",
    "calls that were not told as finished once": """SELECT count(*) FROM calls AS c
        WHERE (SELECT count(*) FROM outbox_events AS o WHERE o.org_id = c.org_id AND o.kind = 'call.finished'
            AND o.body ->> 'call_id' = c.id::text) <> 1""",
    "finished calls that were not put in to be posted once": """SELECT count(*) FROM outbox_events AS o
        WHERE kind = 'call.finished' AND (
            SELECT count(*) FROM webhook_deliveries AS d WHERE d.org_id = o.org_id AND d.event_id = o.id) <> 1""",
    "postings that failed": "SELECT count(*) FROM webhook_deliveries WHERE state = 'failed'",
    "calls without notes": """SELECT count(*) FROM calls AS c WHERE NOT EXISTS (
        SELECT FROM call_notes AS n WHERE n.org_id = c.org_id AND n.call_id = c.id)""",
    "notes that could not be written": "SELECT count(*) FROM call_notes WHERE status = 'failed'",
    "events that were set aside": "SELECT count(*) FROM dead_letters",
    "events that wait for one before them": "SELECT count(*) FROM parked_events",
    "jobs that failed for good": """SELECT count(*), string_agg(DISTINCT task_name, ', ')
        FROM procrastinate_jobs WHERE status IN ('failed', 'aborted')""",
}
# What is still to be done: each returns how much.
WAITING: Final[Mapping[str, str]] = {
    "events of calls": "SELECT count(*) FROM calls WHERE (epoch, seq) < (1, %(whole)s)",
    "events of the outbox": "SELECT count(*) FROM outbox_events WHERE handed_at IS NULL",
    "postings": "SELECT count(*) FROM webhook_deliveries WHERE state = 'waiting'",
    "notes": "SELECT count(*) FROM note_duties",
    "scores": "SELECT count(*) FROM leads WHERE score_due",
}
# As if so much time had passed that dead workers are known for dead, and everything put off is due.
_LATER: Final = (
    "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '10 minutes'",
    "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND scheduled_at > now()",
    "UPDATE note_duties SET due_at = now() WHERE due_at > now()",
)


def ask(admin_url: str, questions: Mapping[str, str]) -> dict[str, int]:
    """Return what was found, without what is none; a second column says what it was of.

    Raises:
        psycopg.Error: the database is away.
    """
    found: dict[str, int] = {}
    with _connect(admin_url) as connection:
        for name, question in questions.items():
            row = connection.execute(question.encode(), _VALUES).fetchone()
            if row is not None and row[0]:
                found[f"{name} ({row[1]})" if row[1:] else name] = int(row[0])
    return found


def hurry(admin_url: str) -> None:
    """Let time pass, while no worker runs. Raises psycopg.Error."""
    with _connect(admin_url) as connection:
        for statement in _LATER:
            connection.execute(statement.encode())


def finished(admin_url: str) -> Sequence[str]:
    """Return the ids of all events that say that a call is over. Raises psycopg.Error."""
    with _connect(admin_url) as connection:
        rows = connection.execute("SELECT id FROM outbox_events WHERE kind = 'call.finished'").fetchall()
    return [str(row[0]) for row in rows]


def _connect(admin_url: str) -> psycopg.Connection:
    return psycopg.connect(admin_url.replace("postgresql+psycopg", "postgresql"), autocommit=True, connect_timeout=5)
