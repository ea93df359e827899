"""Pipelines, stages, tags, consents and the search of leads. Nothing of it is in the schema yet."""

revision = "r0012"
down_revision = "r0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change nothing yet."""


def downgrade() -> None:
    """Change nothing yet."""
