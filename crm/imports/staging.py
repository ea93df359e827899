"""A batch of rows into the table of leads, in one transaction: COPY into a staging table, then one statement a round.

Postgres refuses COPY into a table with row security, so rows go into a temporary table, which is the connection's own
and empty again when the transaction ends. What a row meets is asked for one by one, by an index: a join would read
the organisation's whole table for each batch. The oldest of those it meets counts; it is ordered by a pair of values,
because by two columns the planner would walk along the index of times when it knows little of the table yet.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import text

from crm.custom_fields.store import CustomFieldStore
from crm.imports.batches import COLUMNS, GIVEN, Batch
from crm.imports.conflicts import CONFLICTS, Conflict
from crm.imports.plan import Plan
from crm.leads.model import DEFAULT_STATUS
from crm.leads.progress import DO_NOT_CALL
from crm.notes.model import TOGETHER_CHARS_MAX
from crm.pipelines.known import Places
from crm.pipelines.store import PipelineStore
from crm.unit_of_work import UnitOfWork

_MAKE: Final = text(f"""
    CREATE TEMPORARY TABLE IF NOT EXISTS import_rows (
        n bigint, line bigint, round integer, id uuid,
        {", ".join(f"{name} text" for name in GIVEN)}, custom jsonb, faults jsonb, cells jsonb)
    ON COMMIT DELETE ROWS""")
_COPY: Final = f"COPY pg_temp.import_rows ({', '.join(COLUMNS)}) FROM STDIN WITH (NULL '')"
_PUT: Final = text("""
    WITH places AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:pipelines AS text[]), CAST(:statuses AS text[])) AS place (pipeline, status)
    ), asked AS MATERIALIZED (
        SELECT s.*, e.id AS by_email, p.id AS by_phone,
            CASE WHEN e.id IS NULL THEN p.phone ELSE e.phone END AS met_phone,
            CASE WHEN e.id IS NULL THEN p.email ELSE e.email END AS met_email,
            coalesce(e.pipeline, p.pipeline, :pipeline) AS old_pipeline,
            coalesce(e.status, p.status, :status) AS old_status,
            x.id AS by_address,
            c.said IS NOT DISTINCT FROM 'refused' AS refused
        FROM pg_temp.import_rows s
        LEFT JOIN LATERAL (
            SELECT l.id, l.phone, l.email, l.pipeline, l.status FROM leads l
            WHERE :on_email AND l.org_id = :org AND l.email = s.email
            ORDER BY ROW(l.created_at, l.id) LIMIT 1) e ON true
        LEFT JOIN LATERAL (
            SELECT l.id, l.phone, l.email, l.pipeline, l.status FROM leads l
            WHERE :on_phone AND l.org_id = :org AND l.phone = s.phone
            ORDER BY ROW(l.created_at, l.id) LIMIT 1) p ON true
        LEFT JOIN LATERAL (
            SELECT l.id FROM leads l WHERE NOT :on_email AND l.org_id = :org AND l.email = s.email
            ORDER BY l.id IS NOT DISTINCT FROM p.id DESC LIMIT 1) x ON true
        LEFT JOIN LATERAL (
            SELECT said FROM consents WHERE org_id = :org AND channel = 'phone' AND address = s.phone
            ORDER BY said_at DESC, id DESC LIMIT 1) c ON true
        WHERE s.faults IS NULL AND CASE WHEN :all_of_round THEN s.round = :round
            ELSE s.n = ANY(CAST(:only AS bigint[])) END
    ), found AS MATERIALIZED (
        SELECT asked.*, coalesce(by_email, by_phone) AS lead_id, CASE
            WHEN NOT :updates AND (by_email IS NOT NULL OR by_phone IS NOT NULL) THEN 'skipped'
            WHEN by_address IS NOT NULL AND by_address IS DISTINCT FROM by_phone THEN 'address'
            WHEN NOT ((coalesce(pipeline, old_pipeline), coalesce(status, old_status)) IN (SELECT * FROM places))
                THEN 'place'
            WHEN by_email IS NULL AND by_phone IS NULL THEN
                CASE WHEN jsonb_exists_all(coalesce(custom, '{}'), CAST(:required AS text[]))
                    THEN 'created' ELSE 'required' END
            WHEN by_email <> by_phone THEN 'two_leads'
            WHEN met_phone <> phone THEN 'phone'
            WHEN met_email <> email THEN 'email'
            -- Two rows that met one lead by different keys: one after the other.
            WHEN row_number() OVER (PARTITION BY coalesce(by_email, by_phone) ORDER BY n) > 1 THEN 'again'
            ELSE 'updated' END AS outcome
        FROM asked
    ), made AS (
        INSERT INTO leads (org_id, id, owner_id, name, email, phone, company, source, pipeline, status, score,
            score_set_at, custom_fields, notes, next_step, time_zone, do_not_call, do_not_call_at, created_at,
            updated_at)
        SELECT :org, id, CAST(owner AS uuid), name, email, phone, coalesce(company, ''),
            coalesce(source, :source), coalesce(pipeline, :pipeline),
            CASE WHEN refused OR do_not_call IS NOT NULL THEN :stopped ELSE coalesce(status, :status) END,
            coalesce(CAST(score AS bigint), 0), CASE WHEN score IS NOT NULL THEN CAST(:now AS timestamptz) END,
            coalesce(custom, '{}'), coalesce(notes, ''), coalesce(next_step, ''),
            coalesce(time_zone, ''), refused OR do_not_call IS NOT NULL,
            CASE WHEN refused OR do_not_call IS NOT NULL THEN CAST(:now AS timestamptz) END, :now, :now
        FROM found WHERE outcome = 'created'
    ), changed AS (
        UPDATE leads SET
            owner_id = coalesce(CAST(f.owner AS uuid), leads.owner_id), name = f.name,
            email = coalesce(leads.email, f.email), phone = coalesce(leads.phone, f.phone),
            company = coalesce(f.company, leads.company), source = coalesce(f.source, leads.source),
            pipeline = coalesce(f.pipeline, leads.pipeline),
            status = CASE WHEN leads.do_not_call OR f.refused OR f.do_not_call IS NOT NULL THEN :stopped
                ELSE coalesce(f.status, leads.status) END,
            score = coalesce(CAST(f.score AS bigint), leads.score),
            score_set_by = CASE WHEN f.score IS NULL THEN leads.score_set_by END,
            score_set_at = CASE WHEN f.score IS NULL THEN leads.score_set_at ELSE CAST(:now AS timestamptz) END,
            custom_fields = leads.custom_fields || coalesce(f.custom, '{}'),
            notes = CASE WHEN f.notes IS NULL OR position(f.notes IN leads.notes) > 0 THEN leads.notes
                ELSE right(concat_ws(E'\n', nullif(leads.notes, ''), f.notes), :notes_max) END,
            next_step = coalesce(f.next_step, leads.next_step),
            time_zone = coalesce(f.time_zone, leads.time_zone),
            do_not_call = leads.do_not_call OR f.refused OR f.do_not_call IS NOT NULL,
            do_not_call_at = CASE WHEN leads.do_not_call OR f.refused OR f.do_not_call IS NOT NULL
                THEN coalesce(leads.do_not_call_at, CAST(:now AS timestamptz)) END,
            version = leads.version + 1, updated_at = :now
        FROM found f WHERE leads.org_id = :org AND leads.id = f.lead_id AND f.outcome = 'updated'
    ), noted AS (
        -- A file that is imported again says nothing new. Whether a lead says it already is asked one by one.
        INSERT INTO notes (org_id, id, lead_id, text, author_id, created_at, updated_at)
        SELECT :org, gen_random_uuid(), coalesce(lead_id, id), notes, CAST(:by AS uuid), :now, :now
        FROM found WHERE notes IS NOT NULL AND (outcome = 'created' OR outcome = 'updated' AND NOT coalesce((
            SELECT position(found.notes IN l.notes) > 0 FROM leads l WHERE l.org_id = :org AND l.id = lead_id), false))
    )
    SELECT outcome, count(*) AS many,
        CASE WHEN :tell_all OR outcome NOT IN ('created', 'skipped', 'updated')
            THEN jsonb_agg(jsonb_build_array(n, lead_id, CASE WHEN outcome = 'required' THEN (
                SELECT jsonb_agg(key ORDER BY place) FROM unnest(CAST(:required AS text[])) WITH ORDINALITY
                    AS needed (key, place) WHERE NOT jsonb_exists(coalesce(custom, '{}'), key)) END)) END AS which
    FROM found GROUP BY outcome""")
# What a file says of a person is a refusal on record, as if it had been said to us, for every lead of the number.
_REFUSE: Final = text("""
    INSERT INTO consents (org_id, id, channel, address, said, said_at, source, evidence, lead_id, recorded_by)
    SELECT :org, gen_random_uuid(), 'phone', s.phone, 'refused', :now, 'import',
        CAST(:evidence AS text) || ', row ' || s.n, l.id, :by
    FROM pg_temp.import_rows s
    JOIN LATERAL (SELECT id FROM leads WHERE org_id = :org AND phone = s.phone ORDER BY created_at LIMIT 1) l ON true
    WHERE s.faults IS NULL AND s.do_not_call IS NOT NULL""")
_STOP: Final = text("""
    UPDATE leads SET do_not_call = true, do_not_call_at = :now, status = :stopped, next_step = '', updated_at = :now,
        version = version + 1
    WHERE org_id = :org AND NOT do_not_call AND phone IN (
        SELECT phone FROM pg_temp.import_rows WHERE faults IS NULL AND do_not_call IS NOT NULL)""")
_SET_ASIDE: Final = text("""
    INSERT INTO import_faults (org_id, id, import_id, row, line, faults, cells)
    SELECT :org, id, :import_id, n, line, faults, cells FROM pg_temp.import_rows WHERE faults IS NOT NULL""")


@dataclass(slots=True)
class Outcome:
    """Of one batch: how many rows went where, and which ones the database set aside, or all, by number."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    conflicts: dict[int, Conflict] = field(default_factory=dict)  # by number
    told: dict[int, tuple[str, UUID | None]] = field(default_factory=dict)  # to what became of it, and whom it met


class Staging:
    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._session = unit.session
        self._org_id = unit.org_id

    async def put(
        self, batch: Batch, plan: Plan, now: Any, by: UUID | None = None, *, tell_all: bool = False
    ) -> Outcome:
        """Put a batch's good rows in, in the caller's transaction, as if they came one after the other.

        Args:
            by: whose notes of leads they are.
        """
        await self._session.execute(_MAKE)
        connection = await self._session.connection()
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        assert isinstance(driver, psycopg.AsyncConnection), "our one driver"
        async with driver.cursor() as cursor, cursor.copy(_COPY) as copy:
            await copy.write(batch.copy)
        outcome = Outcome()
        await self._unit.keep_lead_notes()
        places = await PipelineStore(self._unit).places()
        required = (await CustomFieldStore(self._unit).definitions()).required
        asked = self._asked(plan, places, now, tell_all=tell_all) | {"required": required, "by": by}
        for number in range(batch.rounds):
            again = await self._round(asked | {"all_of_round": True, "round": number, "only": []}, outcome)
            while again:
                again = await self._round(asked | {"all_of_round": False, "round": number, "only": again}, outcome)
        return outcome

    async def refuse(self, evidence: str, by: UUID | None, now: Any) -> None:
        """Keep what the batch says of people who are not to be called, for every lead of their numbers."""
        told = {"org": self._org_id, "now": now}
        await self._session.execute(_REFUSE, told | {"evidence": evidence, "by": by})
        await self._session.execute(_STOP, told | {"stopped": DO_NOT_CALL})

    async def set_aside(self, import_id: UUID) -> None:
        """Keep the batch's bad rows."""
        await self._session.execute(_SET_ASIDE, {"org": self._org_id, "import_id": import_id})

    def _asked(self, plan: Plan, places: Places, now: Any, *, tell_all: bool) -> dict[str, Any]:
        matches = plan.when_found != "create"
        known = sorted(places.known, key=astuple)
        return {
            "org": self._org_id,
            "on_email": matches and "email" in plan.match_on,
            "on_phone": matches and "phone" in plan.match_on,
            "updates": plan.when_found == "update",
            "source": plan.defaults.get("source", ""),
            "pipeline": plan.defaults.get("pipeline", places.default),
            "status": plan.defaults.get("status", DEFAULT_STATUS),
            "pipelines": [place.pipeline for place in known],
            "statuses": [place.status for place in known],
            "stopped": DO_NOT_CALL,
            "now": now,
            "notes_max": TOGETHER_CHARS_MAX,
            "tell_all": tell_all,
        }

    async def _round(self, asked: dict[str, Any], outcome: Outcome) -> Sequence[int]:
        """Put one round in, and return the numbers of rows that have to go once more."""
        again: list[int] = []
        for name, many, which in await self._session.execute(_PUT, asked):
            if name == "again":
                again = [number for number, _, _ in which]
                continue
            if name in CONFLICTS:
                outcome.conflicts |= {number: Conflict(name, tuple(missing or ())) for number, _, missing in which}
            else:
                setattr(outcome, name, getattr(outcome, name) + many)
            if asked["tell_all"]:
                outcome.told |= {number: (name, UUID(lead) if lead else None) for number, lead, _ in which}
        return again
