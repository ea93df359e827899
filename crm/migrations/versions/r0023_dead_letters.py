"""Dead letters of events: why each lies there, once however often it comes, and the one way to read what it says."""

from alembic import op

from crm.migrations.tenant import ORG

revision = "r0023"
down_revision = "r0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""ALTER TABLE dead_letters
        ADD COLUMN why text NOT NULL DEFAULT 'failed',
        ADD COLUMN times bigint NOT NULL DEFAULT 1,
        ADD COLUMN digest bytea NOT NULL GENERATED ALWAYS AS (sha256(raw)) STORED""")
    op.execute("UPDATE dead_letters SET why = 'unreadable' WHERE cause LIKE 'unreadable%'")
    op.execute("UPDATE dead_letters SET why = 'unknown_call' WHERE cause = 'unknown call'")
    op.execute("""ALTER TABLE dead_letters ALTER COLUMN why DROP DEFAULT,
        ADD CHECK (why IN ('unreadable', 'unknown_call', 'failed'))""")
    op.execute("""DELETE FROM dead_letters AS later USING dead_letters AS first
        WHERE later.stream = first.stream AND later.digest = first.digest AND later.id > first.id""")
    op.execute("CREATE UNIQUE INDEX dead_letters_once ON dead_letters (stream, digest)")
    op.execute("CREATE INDEX dead_letters_call ON dead_letters (call_id, id)")
    schema = op.get_bind().dialect.identifier_preparer.quote(
        str(op.get_bind().exec_driver_sql("SELECT current_schema()").scalar())
    )
    # What belongs to nobody, because it cannot be read, is shown to a transaction of nobody.
    op.execute(f"""CREATE FUNCTION dead_letter(letter uuid) RETURNS bytea
        LANGUAGE sql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, {schema}, pg_temp
        AS $$ SELECT raw FROM dead_letters WHERE id = letter AND org_id IS NOT DISTINCT FROM {ORG} $$""")  # noqa: S608 - constants
    op.execute("REVOKE EXECUTE ON FUNCTION dead_letter(uuid) FROM PUBLIC")


def downgrade() -> None:
    op.execute("DROP FUNCTION dead_letter(uuid)")
    op.execute("DROP INDEX dead_letters_call, dead_letters_once")
    op.execute("ALTER TABLE dead_letters DROP COLUMN digest, DROP COLUMN times, DROP COLUMN why")
