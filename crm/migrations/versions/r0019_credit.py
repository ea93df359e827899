"""What a call may use beyond what was paid for it."""

from alembic import op

revision = "r0019"
down_revision = "r0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE calls ADD COLUMN credit bigint NOT NULL DEFAULT 0 CONSTRAINT calls_credit CHECK (credit >= 0)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE calls DROP COLUMN credit")
