"""Prices with validity, plans, low-balance alerts, postings in one trip. Nothing of it is in the schema yet."""

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
