"""Lists and the search of leads over many rows, and how Postgres goes about them, as the application's own role."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from crm.custom_fields.asked import searched
from crm.custom_fields.kinds import Definition, Definitions, FieldType
from crm.custom_fields.usecases import define_field
from crm.database import Sessions
from crm.leads.filters import LeadFilters, Order, Search, Sort
from crm.leads.lists import LeadLists
from crm.leads.model import Lead
from crm.leads.usecases import leads_after
from crm.page_cursor import Cursor
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org
from tests.crm.crowds import MANY, make_crowd, plan_of

_FILL = text("""
    INSERT INTO leads (org_id, id, name, company, phone, email, pipeline, status, score, custom_fields, created_at)
    SELECT :org, gen_random_uuid(), 'Lúcia Prado ' || i, 'Padaria ' || i % 100, '+1202' || 5550000 + i,
        'mail' || i || '@example.com', CASE WHEN i % 10 = 0 THEN 'partners' ELSE 'novos-leads' END,
        CASE WHEN i % 3 = 0 THEN 'won' ELSE 'novo' END, i % 100,
        jsonb_build_object(
            'city', 'São ' || i % 50, 'seats', (i % 100 - 50) / 4.0, 'renews', DATE '2026-01-01' + i % 400),
        now() - i / 3 * interval '1 second'
    FROM generate_series(1, :many) AS i""")


FIELDS = (
    Definition("seats", "Seats", FieldType.NUMBER),
    Definition("renews", "Renews", FieldType.DATE),
)


@pytest.fixture(scope="module")
def crowd(postgres: PostgresAddresses) -> UUID:
    """An organisation of many leads, three of each moment."""

    async def fill(org: Org, unit: UnitOfWork) -> None:
        for one in FIELDS:
            await define_field(one, unit.part())
        await unit.session.execute(_FILL, {"org": org.id, "many": MANY})

    return make_crowd(postgres, fill, "leads").id


async def found(sessions: Sessions, org: UUID, words: str = "", *fields: str, **filters: str) -> list[str]:
    unit = UnitOfWork(sessions, org)
    page = await leads_after(
        unit,
        "",
        limit=100,
        search=Search(words, fields),
        filters=LeadFilters(**filters),  # type: ignore[arg-type]
    )
    return [lead.name for lead in page.leads]


@pytest.mark.parametrize("sort", ["created_at", "updated_at", "name", "score", "status"])
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_cursors_show_every_lead_once_in_spite_of_ties(
    sort: Sort, order: Order, crowd: UUID, sessions: Sessions
) -> None:
    cursor, seen, shown = "", set(), []
    while True:
        page = await leads_after(UnitOfWork(sessions, crowd), cursor, limit=700, sort=sort, order=order)
        shown += [(getattr(lead, sort), lead.id) for lead in page.leads]
        seen |= {lead.id for lead in page.leads}
        if page.next is None:
            break
        cursor = page.next
    assert len(shown) == len(seen) == MANY + 1
    if sort not in ("name", "status"):  # the database's order of texts is its own
        assert shown == sorted(shown, reverse=order == "desc")


async def test_a_page_stays_where_it_was_when_leads_come_and_go(org: Org, sessions: Sessions) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add_all([Lead(org_id=org.id, name=f"old {n}", created_at=moment) for n in range(6)])
        await unit.commit()
    first = await leads_after(UnitOfWork(sessions, org.id), "", limit=4)
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(Lead(org_id=org.id, name="new", created_at=moment + timedelta(days=999)))
        await unit.session.delete(await unit.session.get_one(Lead, (org.id, first.leads[-1].id)))
        await unit.commit()
    assert first.next is not None
    second = await leads_after(UnitOfWork(sessions, org.id), first.next, limit=4)
    assert not {lead.id for lead in first.leads} & {lead.id for lead in second.leads}
    assert len(second.leads) == 3
    assert second.next is None


class TestSearch:
    @pytest.mark.parametrize("words", ["dana", "DAN", "bak dana", "2025550142", "+1 202 555", "12025550142"])
    async def test_words_begin_the_leads_own(self, words: str, org: Org, sessions: Sessions) -> None:
        expected = ["Dana"] if words not in ("2025550142", "+1 202 555") else []
        assert await found(sessions, org.id, words) == expected

    async def test_accents_and_signs_do_not_matter(self, org: Org, sessions: Sessions) -> None:
        async with UnitOfWork(sessions, org.id) as unit:
            fields = {"city": "São Luís", "seats": 12, "tags": ["x"], "none": None}
            lead = Lead(org_id=org.id, name="Zoë O'Neil-Łuk", email="zoe.oneil@example.com", custom_fields=fields)
            unit.session.add(lead)
            await unit.commit()
        for words in ("zoe", "ZOË", "o'neil", "neil", "example com", "zoe.oneil@example.com", "sao luis", "são"):
            assert await found(sessions, org.id, words) == ["Zoë O'Neil-Łuk"], words
        for field in ("city=São Luís", "seats=12"):
            assert await found(sessions, org.id, "", field) == ["Zoë O'Neil-Łuk"]
        for field in ("city=sao luis", "none=", "city=São"):
            assert await found(sessions, org.id, "", field) == [], "fields are compared whole"

    @pytest.mark.parametrize("words", ["a'b\\:* | !c & <-> d", "'''x", "\\x", "x" * 200, "a " * 90, "x:*", "² a"])
    async def test_no_words_are_an_error(self, words: str, org: Org, sessions: Sessions) -> None:
        assert await found(sessions, org.id, words, "it's=\\'") == []

    async def test_filters_narrow_a_search(self, crowd: UUID, sessions: Sessions) -> None:
        assert len(await found(sessions, crowd, "lucia", status="won")) == 100
        assert await found(sessions, crowd, "lucia", pipeline="other") == []

    async def test_pages_of_a_search(self, crowd: UUID, sessions: Sessions) -> None:
        names, cursor = [], ""
        while True:
            unit = UnitOfWork(sessions, crowd)
            page = await leads_after(unit, cursor, limit=25, search=Search("padaria", ("city=São 7",)))
            names += [lead.name for lead in page.leads]
            if page.next is None:
                break
            cursor = page.next
        expected = [f"Lúcia Prado {i}" for i in range(1, MANY + 1) if i % 50 == 7]
        assert sorted(names) == sorted(expected)

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            (("seats>=0", "seats<1.5"), lambda i: 0 <= (i % 100 - 50) / 4 < 1.5),
            (("seats<-2.25",), lambda i: (i % 100 - 50) / 4 < -2.25),
            (
                ("seats>-1", "seats<=0.5", "city=São 7", "city=São 49"),
                lambda i: i % 50 in (7, 49) and -4 < i % 100 - 50 <= 2,
            ),
            (("renews>2026-12-30",), lambda i: i % 400 > 363),
            (("renews>=2026-02-01", "renews<2026-02-10"), lambda i: 31 <= i % 400 < 40),
            (("renews>2026-05-01", "renews<2026-05-02"), lambda i: False),
        ],
    )
    async def test_spans_and_lists_of_custom_fields(
        self, asked: tuple[str, ...], expected: Callable[[int], bool], crowd: UUID, sessions: Sessions
    ) -> None:
        names, cursor = [], ""
        while True:
            page = await leads_after(UnitOfWork(sessions, crowd), cursor, limit=200, search=Search("", asked))
            names += [lead.name for lead in page.leads]
            if page.next is None:
                break
            cursor = page.next
        assert sorted(names) == sorted(f"Lúcia Prado {i}" for i in range(1, MANY + 1) if expected(i))

    async def test_another_organisations_leads_are_not_found(self, crowd: UUID, org: Org, sessions: Sessions) -> None:
        assert await found(sessions, org.id, "lucia") == []

    async def test_without_an_organisation_nothing_is_found(self, crowd: UUID, sessions: Sessions) -> None:
        statement = text("SELECT search_leads('lucia', '{}', null, null, null, null, null, 100)")
        async with UnitOfWork(sessions) as unit:
            assert (await unit.session.execute(statement)).all() == []

    async def test_the_search_reads_its_index_and_never_all_leads(self, crowd: UUID, sessions: Sessions) -> None:
        """Postgres counts its scans in each transaction, whoever's function made them."""
        tables = text("""
            SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_xact_user_tables WHERE relname LIKE 'leads%'""")
        index = text("""
            SELECT coalesce(sum(pg_stat_get_xact_numscans(indexrelid)), 0) FROM pg_index
            JOIN pg_inherits ON inhrelid = indexrelid WHERE inhparent = 'leads_words'::regclass""")
        span = searched(["seats<=-4.75", "renews>=2026-02-01", "renews<2026-02-02"], Definitions(FIELDS))
        for search, many in ((Search("prado 2999"), 1), (Search("", span), 8)):
            async with UnitOfWork(sessions, crowd) as unit:
                # What the connection did shortly before may be among them.
                had = [await unit.session.scalar(count) for count in (index, tables)]
                leads = await LeadLists(unit).search(search, None, 20, LeadFilters())
                assert len(leads) == many
                assert [await unit.session.scalar(count) for count in (index, tables)] == [had[0] + 1, had[1]]


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("created_at", "created_at_id"),
        ("updated_at", "updated_at_id"),
        ("name", "name_id"),
        ("score", "score_id"),
        ("status", "status_id"),
    ],
)
async def test_every_order_of_the_list_is_an_indexs(sort: Sort, index: str, crowd: UUID, sessions: Sessions) -> None:
    async with UnitOfWork(sessions, crowd) as unit:
        store = LeadLists(unit)
        leads = await store.following(None, 2, sort, "desc", LeadFilters())
        place = leads[-1]
        cursor = Cursor(f"{sort}:desc", getattr(place, sort), place.id)
        told = await plan_of(store.listing(cursor, 20, sort, "desc", LeadFilters()), unit)
    assert f"org_id_{index}_idx" in told, told
    assert "Sort" not in told, told
    assert "Seq Scan" not in told, told


async def test_a_column_of_a_board_is_read_and_counted_by_its_index(crowd: UUID, sessions: Sessions) -> None:
    inside = LeadFilters().within("partners", "won")
    async with UnitOfWork(sessions, crowd) as unit:
        store = LeadLists(unit)
        assert await store.count_up_to(10_000, inside) == MANY // 30
        assert await store.count_up_to(7, inside) == 7
        for asked in (store.listing(None, 20, "created_at", "desc", inside), store.counting(10_000, inside)):
            told = await plan_of(asked, unit)
            assert "org_id_pipeline_status_created_at_id_idx" in told, told
            assert "Sort" not in told, told
            assert "Seq Scan" not in told, told
