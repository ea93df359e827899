"""Members: all five roles, and a status."""

from alembic import op

revision = "r0014"
down_revision = "r0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE members DROP CONSTRAINT members_role_check")
    op.execute("""ALTER TABLE members
        ADD COLUMN status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
        ADD CONSTRAINT members_role_check CHECK (role IN ('admin', 'manager', 'rep', 'supervisor', 'engineer'))""")


def downgrade() -> None:
    # Whoever has a role that the older release does not know keeps what everybody may.
    op.execute("ALTER TABLE members NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE members SET role = 'rep' WHERE role IN ('manager', 'engineer')")
    # A suspended member would be let in again.
    op.execute("DELETE FROM members WHERE status <> 'active'")
    op.execute("ALTER TABLE members FORCE ROW LEVEL SECURITY")
    op.execute("""ALTER TABLE members
        DROP CONSTRAINT members_role_check,
        DROP COLUMN status,
        ADD CONSTRAINT members_role_check CHECK (role IN ('admin', 'supervisor', 'rep'))""")
