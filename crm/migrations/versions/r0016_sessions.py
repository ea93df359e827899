"""Sessions of people, which access tokens hang on; and that people see the organisations they belong to."""

from alembic import op

from crm.migrations.tenant import drop_tables, force_row_security

revision = "r0016"
down_revision = "r0015"
branch_labels = None
depends_on = None

USER = "nullif(current_setting('app.user', true), '')::uuid"


def upgrade() -> None:
    op.execute("""CREATE TABLE user_sessions (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
        generation bigint NOT NULL,
        secret_hash text NOT NULL,
        rotated_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        agent text NOT NULL,
        address text NOT NULL,
        created_at timestamptz NOT NULL,
        used_at timestamptz NOT NULL)""")
    op.execute("CREATE INDEX user_sessions_user ON user_sessions (user_id, used_at DESC)")
    op.execute("CREATE INDEX user_sessions_org ON user_sessions (org_id)")
    force_row_security("user_sessions")
    op.execute(f"CREATE POLICY own ON user_sessions USING (user_id = {USER}) WITH CHECK (user_id = {USER})")
    op.execute(f"""CREATE POLICY own ON organisations FOR SELECT USING (EXISTS (
        SELECT 1 FROM members WHERE members.org_id = organisations.id AND members.user_id = {USER}))""")  # noqa: S608 - constants


def downgrade() -> None:
    op.execute("DROP POLICY own ON organisations")
    drop_tables("user_sessions")
