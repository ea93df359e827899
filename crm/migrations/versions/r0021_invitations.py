"""Invitations, attempts to sign in by mail address, and links that letters get when they are posted."""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0021"
down_revision = "r0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "invitations",
        """email text NOT NULL CHECK (email = lower(email)),
        role text NOT NULL CHECK (role IN ('admin', 'manager', 'rep', 'supervisor', 'engineer')),
        invited_by uuid,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        accepted_at timestamptz""",
    )
    op.execute("CREATE UNIQUE INDEX invitations_open ON invitations (org_id, email) WHERE accepted_at IS NULL")
    op.execute("""CREATE TABLE sign_in_attempts (
        address_hash text PRIMARY KEY,
        failures bigint NOT NULL,
        failed_at timestamptz,
        trying bigint NOT NULL,
        tried_at timestamptz,
        locked_until timestamptz)""")
    op.execute("ALTER TABLE letters ADD COLUMN link jsonb")


def downgrade() -> None:
    # A letter that waits for its link would be posted without one. Forced row security shows nobody all letters.
    op.execute("ALTER TABLE letters NO FORCE ROW LEVEL SECURITY")
    op.execute("DELETE FROM letters WHERE link IS NOT NULL AND sent_at IS NULL")
    op.execute("ALTER TABLE letters FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE letters DROP COLUMN link")
    drop_tables("sign_in_attempts", "invitations")
