"""Tags, and which leads carry them."""

from alembic import op

from crm.migrations.tenant import create_tenant_table, drop_tables

revision = "r0029"
down_revision = "r0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_tenant_table(
        "tags",
        """name text NOT NULL CHECK (name <> ''),
        key text NOT NULL,
        color text NOT NULL CHECK (color ~ '^#[0-9a-f]{6}$'),
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, key)""",
    )
    create_tenant_table(
        "lead_tags",
        """lead_id uuid NOT NULL,
        tag_id uuid NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (org_id, lead_id, tag_id),
        FOREIGN KEY (org_id, lead_id) REFERENCES leads (org_id, id) ON DELETE CASCADE,
        FOREIGN KEY (org_id, tag_id) REFERENCES tags (org_id, id) ON DELETE CASCADE""",
        partitioned=True,
    )
    op.execute("CREATE INDEX lead_tags_tag ON lead_tags (org_id, tag_id, lead_id)")
    # When two leads become one, or two tags, a row that is there already is not made twice: the other one stays
    # where it was, and goes with its lead or tag.
    op.execute("""CREATE FUNCTION keep_lead_tag_once() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF EXISTS (SELECT 1 FROM lead_tags
                    WHERE org_id = NEW.org_id AND lead_id = NEW.lead_id AND tag_id = NEW.tag_id AND id <> NEW.id) THEN
                RETURN NULL;
            END IF;
            RETURN NEW;
        END $$""")
    op.execute("""CREATE TRIGGER lead_tag_moved BEFORE UPDATE OF lead_id, tag_id ON lead_tags FOR EACH ROW
        EXECUTE FUNCTION keep_lead_tag_once()""")


def downgrade() -> None:
    drop_tables("lead_tags", "tags")
    op.execute("DROP FUNCTION keep_lead_tag_once()")
