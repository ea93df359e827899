"""Queues of jobs, the outbox of events, and webhooks that leave. Nothing of it is in the schema yet."""

revision = "r0013"
down_revision = "r0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
