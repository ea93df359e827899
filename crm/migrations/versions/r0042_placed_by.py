"""Who has placed a call, to talk in it: of calls before, nobody knows."""

from alembic import op

revision = "r0042"
down_revision = "r0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # No key to members: who leaves the organisation has called all the same.
    op.execute("ALTER TABLE calls ADD COLUMN placed_by uuid")


def downgrade() -> None:
    op.execute("ALTER TABLE calls DROP COLUMN placed_by")
