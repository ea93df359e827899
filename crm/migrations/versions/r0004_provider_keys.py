"""Organisations' own keys for providers of models, sealed."""

from typing import Final

from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None

ORG: Final = "nullif(current_setting('app.org', true), '')::uuid"


def upgrade() -> None:
    op.execute("""CREATE TABLE provider_keys (
        org_id uuid NOT NULL REFERENCES organisations (id) ON DELETE CASCADE,
        id uuid NOT NULL,
        vendor text NOT NULL,
        sealed text NOT NULL,
        hint text NOT NULL,
        checked_at timestamptz NOT NULL,
        PRIMARY KEY (org_id, id),
        UNIQUE (org_id, vendor))""")
    op.execute("ALTER TABLE provider_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE provider_keys FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON provider_keys USING (org_id = {ORG}) WITH CHECK (org_id = {ORG})")


def downgrade() -> None:
    op.execute("DROP TABLE provider_keys")
