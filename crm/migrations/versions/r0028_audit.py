"""The audit log, in partitions of a month, and the owner's function that makes them."""

from alembic import op

from crm.migrations.tenant import ORG, TENANT, drop_tables, force_row_security

revision = "r0028"
down_revision = "r0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(f"""CREATE TABLE audit_entries ({TENANT},
        at timestamptz NOT NULL,
        user_id uuid NOT NULL,
        key_id uuid,
        action text NOT NULL,
        status bigint NOT NULL,
        target jsonb NOT NULL,
        asked jsonb NOT NULL,
        address text NOT NULL,
        agent text NOT NULL,
        request_id text NOT NULL,
        PRIMARY KEY (org_id, id)) PARTITION BY RANGE (id)""")
    force_row_security("audit_entries")
    op.execute(f"CREATE POLICY tenant ON audit_entries USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")
    named = op.get_bind().exec_driver_sql("SELECT current_schema()").scalar()
    schema = op.get_bind().dialect.identifier_preparer.quote(str(named))
    # An id is a UUIDv7: its first 48 bits are milliseconds, so a month is a range of ids. Times here are UTC, bare.
    op.execute(f"""CREATE FUNCTION make_audit_months() RETURNS void
        LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = pg_catalog, {schema}, pg_temp
        AS $$
        DECLARE
            month timestamp;
            part text;
            bounds text[];
        BEGIN
            PERFORM pg_advisory_xact_lock(7351003);
            FOR n IN 0..3 LOOP
                month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => n);
                part := 'audit_entries_p' || to_char(month, 'YYYYMM');
                IF to_regclass(part) IS NULL THEN
                    SELECT array_agg(quote_literal(
                            rpad(lpad(to_hex((extract(epoch FROM edge) * 1000)::bigint), 12, '0'), 32, '0')::uuid)
                        ORDER BY edge)
                        INTO bounds FROM unnest(ARRAY[month, month + interval '1 month']) AS edge;
                    EXECUTE 'CREATE TABLE {schema}.' || part || ' PARTITION OF {schema}.audit_entries FOR VALUES FROM ('
                        || bounds[1] || ') TO (' || bounds[2] || ')';
                    EXECUTE 'ALTER TABLE {schema}.' || part || ' ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY';
                END IF;
            END LOOP;
        END $$""")  # noqa: S608 - the schema's own name, quoted
    op.execute("REVOKE EXECUTE ON FUNCTION make_audit_months FROM PUBLIC")
    op.execute("SELECT make_audit_months()")


def downgrade() -> None:
    op.execute("DROP FUNCTION make_audit_months")
    drop_tables("audit_entries")
