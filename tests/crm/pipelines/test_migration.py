"""Leads that were there before pipelines were rows."""

import psycopg

from crm.migrate import downgrade, migrate
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses

LEADS = (
    ("novos-leads", "novo"),
    ("novos-leads", "Hot & ready"),
    ("novos-leads", "Hot & ready"),
    ("Partners", "signed"),
    ("Partners", "novo"),
)


def test_every_lead_is_in_a_stage_of_its_pipeline_afterwards(empty_database: PostgresAddresses) -> None:
    migrate(empty_database.owner_url, APP_ROLE)
    downgrade(empty_database.owner_url, "r0031")
    with psycopg.connect(empty_database.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        for name in ("full", "empty"):
            admin.execute("INSERT INTO organisations (id, name, slug) VALUES (gen_random_uuid(), %s, %s)", (name, name))
        for pipeline, status in LEADS:
            admin.execute(
                """INSERT INTO leads (org_id, id, name, pipeline, status)
                SELECT id, gen_random_uuid(), 'Dana', %s, %s FROM organisations WHERE name = 'full'""",
                (pipeline, status),
            )
        migrate(empty_database.owner_url, APP_ROLE)
        # Each lead is in one stage, and none was changed.
        inside = admin.execute("""
            SELECT l.pipeline, l.status FROM leads l
            JOIN pipelines p ON p.org_id = l.org_id AND p.slug = l.pipeline
            JOIN stages s ON s.org_id = l.org_id AND s.pipeline_id = p.id AND s.slug = l.status""").fetchall()
        assert sorted(inside) == sorted(LEADS)
        made = admin.execute("""
            SELECT o.name, p.slug, p.is_default, array_agg(s.slug ORDER BY s.position) FROM organisations o
            JOIN pipelines p ON p.org_id = o.id JOIN stages s ON s.org_id = o.id AND s.pipeline_id = p.id
            GROUP BY o.name, p.slug, p.is_default, p.position ORDER BY o.name, p.position""").fetchall()
    usual = ["novo", "retry_later", "callback_scheduled", "meeting_booked", "won", "not_interested", "do_not_call"]
    assert made == [
        ("empty", "novos-leads", True, usual),
        ("full", "novos-leads", True, [*usual, "Hot & ready"]),
        ("full", "Partners", False, [*usual, "signed"]),
    ]
