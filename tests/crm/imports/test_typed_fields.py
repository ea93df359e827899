"""Custom fields with types in files."""

from tests.crm.imports.desk import ImportDesk, counts
from tests.crm.test_api import data


async def _define(desk: ImportDesk, **field: object) -> None:
    data(await desk.api.post("/api/custom-fields", json=field), 201)


async def test_cells_become_values_of_the_fields_type(desk: ImportDesk) -> None:
    await _define(desk, key="seats", label="Lugares", type="number")
    await _define(desk, key="vip", type="boolean")
    await _define(desk, key="size", type="choice", options=["Small", "Large"], required=True)
    body = (
        b"name,email,Lugares,VIP,size,City\n"
        b'Ana,ana@example.com,"12,5",sim,LARGE,Recife\n'
        b"Bo,bo@example.com,many,perhaps,Medium,\n"
        b"Cy,cy@example.com,3,,,\n"
    )
    made = await desk.upload(body)
    assert [column["guess"] for column in made["columns"]][2:] == [
        *("custom_fields.seats", "custom_fields.vip", "custom_fields.size", "custom_fields.City")
    ]
    await desk.start(made)
    await desk.read(made["id"])
    assert counts(await desk.shown(made["id"])) == (3, 1, 0, 0, 2)
    assert (await desk.leads())[-1].custom_fields == {"seats": 12.5, "vip": True, "size": "Large", "City": "Recife"}
    bo, cy = await desk.bad(made["id"])
    assert [(fault["field"], fault["fault"]) for fault in bo["faults"]] == [
        ("custom_fields.seats", "column 'Lugares' must be a number, such as 12 or 12.5"),
        ("custom_fields.vip", "column 'VIP' must be yes or no"),
        ("custom_fields.size", "column 'size' must be one of: Small, Large"),
    ]
    assert cy["faults"] == [
        {"field": "custom_fields.size", "fault": "new leads need it, and column 'size' is empty: fill it in"}
    ]
    # One that is there need not be given what it has.
    again = await desk.whole(b"name,email,seats\nAna,ana@example.com,4\n", when_found="update")
    assert counts(again) == (1, 0, 1, 0, 0)
    assert (await desk.leads())[-1].custom_fields["seats"] == 4


async def test_fields_that_new_leads_need_are_named_one_by_one_in_the_trial_too(desk: ImportDesk) -> None:
    await _define(desk, key="size", type="choice", options=["Small"], required=True)
    await _define(desk, key="city", required=True, type="text")
    made = await desk.upload(b"name,email,Town\nAna,ana@example.com,\nBo,bo@example.com,Recife\n")
    mapping = [{"column": one, "to": to} for one, to in (("name", "name"), ("Town", "custom_fields.city"))]
    plan = {"mapping": mapping, "when_found": "create"}
    tried = data(await desk.api.post(f"/api/imports/{made['id']}/dry-run", json=plan))
    missing = {"field": "custom_fields.size"} | {
        "fault": "new leads need it, and no column is put into it: map one to custom_fields.size"
    }
    empty = {"field": "custom_fields.city", "fault": "new leads need it, and column 'Town' is empty: fill it in"}
    assert [row["outcome"] for row in tried] == ["bad", "bad"]
    assert [row["faults"] for row in tried] == [[missing, empty], [missing]]
