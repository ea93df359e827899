"""Texts of notes that stood on leads become rows, and go back."""

from uuid import UUID

import psycopg

from crm.migrate import downgrade, migrate
from events.ids import new_id
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses

BEFORE = "r0042"


def test_texts_become_rows_and_go_back(empty_database: PostgresAddresses) -> None:
    migrate(empty_database.owner_url, APP_ROLE)
    downgrade(empty_database.owner_url, BEFORE)
    orgs = [new_id(), new_id()]
    person, texts = new_id(), {"told": "likes mornings\nObjection: price", "blank": " \n", "none": "", "both": "old"}
    leads = {(org, name): new_id() for org in orgs for name in texts}
    with psycopg.connect(empty_database.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        for org in orgs:
            admin.execute("INSERT INTO organisations (id, name, slug) VALUES (%s, 'x', %s)", [org, str(org)])
        for (org, name), lead in leads.items():
            asked = [org, lead, texts[name]]
            admin.execute("INSERT INTO leads (org_id, id, name, notes) VALUES (%s, %s, 'Dana', %s)", asked)
            if name == "both":
                note = [org, new_id(), lead, person]
                admin.execute(
                    "INSERT INTO notes (org_id, id, lead_id, text, author_id) VALUES (%s, %s, %s, 'new', %s)", note
                )

        migrate(empty_database.owner_url, APP_ROLE)
        rows = admin.execute("SELECT org_id, lead_id, text, author_id, call_id FROM notes").fetchall()
        assert len(rows) == 6
        for org in orgs:
            assert (org, leads[org, "told"], texts["told"], None, None) in rows
            assert (org, leads[org, "both"], "old", None, None) in rows
            assert (org, leads[org, "both"], "new", person, None) in rows
        kept: dict[UUID, str] = dict(admin.execute("SELECT id, notes FROM leads").fetchall())
        told = {name: {kept[leads[org, name]] for org in orgs} for name in texts}
        assert told == {"told": {texts["told"]}, "blank": {""}, "none": {""}, "both": {"old\nnew"}}

        downgrade(empty_database.owner_url, BEFORE)
        kept = dict(admin.execute("SELECT id, notes FROM leads").fetchall())
        told = {name: {kept[leads[org, name]] for org in orgs} for name in texts}
        assert told == {"told": {texts["told"]}, "blank": {""}, "none": {""}, "both": {"old"}}
        assert {row[0] for row in admin.execute("SELECT text FROM notes").fetchall()} == {"new"}
