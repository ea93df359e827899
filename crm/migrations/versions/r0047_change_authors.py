"""Changes of leads say who made them: what the transaction says (crm.author), by whichever way it changes a lead."""

from alembic import op

revision = "r0047"
down_revision = "r0046"
branch_labels = None
depends_on = None

PART = "nullif(split_part(coalesce(current_setting('app.by', true), ''), ':', {part}), '')"


def upgrade() -> None:
    # First without a default, which is for rows to come.
    op.execute("ALTER TABLE lead_changes ADD COLUMN by text, ADD COLUMN by_id uuid")
    op.execute(f"ALTER TABLE lead_changes ALTER COLUMN by SET DEFAULT {PART.format(part=1)}")
    op.execute(f"ALTER TABLE lead_changes ALTER COLUMN by_id SET DEFAULT CAST({PART.format(part=2)} AS uuid)")


def downgrade() -> None:
    op.execute("ALTER TABLE lead_changes DROP COLUMN by, DROP COLUMN by_id")
