"""Pipelines and stages that files name."""

from tests.crm.imports.desk import ImportDesk, counts
from tests.crm.test_api import data, problem


async def _partners(desk: ImportDesk) -> None:
    made = data(await desk.api.post("/api/pipelines", json={"name": "Partners"}), 201)
    stage = {"name": "Signed", "kind": "won"}
    data(await desk.api.post(f"/api/pipelines/{made['id']}/stages", json=stage), 201)


async def test_rows_name_pipelines_and_stages_by_slug_or_name(desk: ImportDesk) -> None:
    await _partners(desk)
    body = (
        b"name,pipeline,status\n"
        b"slugs,partners,signed\n"
        b"names,PARTNERS,Meeting booked\n"
        b"neither,,\n"
        b"unknown,nowhere,novo\n"
        b"apart,,signed\n"
    )
    made = await desk.whole(body, when_found="create")
    assert counts(made) == (5, 3, 0, 0, 2)
    leads = {lead.name: (lead.pipeline, lead.status) for lead in await desk.leads()}
    assert leads["slugs"] == ("partners", "signed")
    assert leads["names"] == ("partners", "meeting_booked")
    assert leads["neither"] == ("novos-leads", "novo")
    bad = await desk.bad(made["id"])
    assert [(row["cells"][0], row["faults"][0]["field"]) for row in bad] == [
        ("unknown", "pipeline"),
        ("apart", "status"),
    ]


async def test_a_lead_that_is_there_is_moved_to_what_its_pipeline_has(desk: ImportDesk) -> None:
    await _partners(desk)
    for name in ("stays", "moves"):
        sent = {"name": name, "email": f"{name}@example.com", "pipeline": "partners"}
        data(await desk.api.post("/api/leads", json=sent), 201)
    body = (
        b"name,email,status\nstays,stays@example.com,won\nmoves,moves@example.com,Signed\nnew,new@example.com,signed\n"
    )
    made = await desk.whole(body, when_found="update", match_on=["email"])
    # Every pipeline begins with a stage "won"; "signed" is of the other one only.
    assert counts(made) == (3, 0, 2, 0, 1)
    leads = {lead.name: lead.status for lead in await desk.leads()}
    assert (leads["stays"], leads["moves"]) == ("won", "signed")
    assert [row["cells"][0] for row in await desk.bad(made["id"])] == ["new"]


async def test_the_plans_own_place_is_one(desk: ImportDesk) -> None:
    await _partners(desk)
    made = await desk.upload(b"name,email\nAna,ana@example.com\n")
    mapping = [{"column": "name", "to": "name"}, {"column": "email", "to": "email"}]
    for defaults, field in (({"pipeline": "gone"}, "pipeline"), ({"status": "signed"}, "status")):
        for step in ("dry-run", "start"):
            plan = {"mapping": mapping, "defaults": defaults}
            answer = await desk.api.post(f"/api/imports/{made['id']}/{step}", json=plan)
            (fault,) = problem(answer, 400, "invalid_request")["fields"]
            assert fault["field"] == f"body.defaults.{field}"
    await desk.start(made, defaults={"pipeline": "partners", "status": "signed"})
    await desk.read(made["id"])
    assert [(lead.pipeline, lead.status) for lead in await desk.leads()][-1] == ("partners", "signed")
