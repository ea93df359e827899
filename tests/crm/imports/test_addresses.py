"""Files and leads that have a mail address already."""

from tests.crm.imports.desk import ImportDesk, counts
from tests.crm.test_api import data

ANA = {"name": "Ana", "email": "ana@example.com", "phone": "+12025550143"}


async def test_an_address_is_one_leads_whatever_rows_are_matched_by(desk: ImportDesk) -> None:
    data(await desk.api.post("/api/leads", json=ANA), 201)
    made = await desk.whole(
        b"name,email\nAna again,ANA@example.com\nBo,bo@example.com\nBo,bo@example.com\nNobody,\nNobody,\n",
        when_found="create",
    )
    assert counts(made) == (5, 3, 0, 0, 2), "a row that names another lead's address, or the file's own earlier one's"
    assert [row["faults"][0]["field"] for row in await desk.bad(made["id"])] == ["email", "email"]
    by_phone = await desk.whole(
        b"name,email,phone\nAna,ana@example.com,+12025550143\nCy,bo@example.com,+12025550144\n",
        when_found="update",
        match_on=["phone"],
    )
    assert counts(by_phone) == (2, 0, 1, 0, 1), "her own address is no other lead's"
    assert [row["cells"][0] for row in await desk.bad(by_phone["id"])] == ["Cy"]
    names = [lead.name for lead in await desk.leads()]
    assert sorted(names) == ["Ana", "Bo", "Dana", "Nobody", "Nobody"]
