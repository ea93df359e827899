"""How readily sound counts as a prospect's voice, per organisation."""

from alembic import op

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""ALTER TABLE organisations ADD COLUMN sensitivity text NOT NULL DEFAULT 'normal'
        CHECK (sensitivity IN ('low', 'normal', 'high'))""")


def downgrade() -> None:
    op.execute("ALTER TABLE organisations DROP COLUMN sensitivity")
