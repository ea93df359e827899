"""Where leads may be: the organisation's pipelines and their stages, by the slugs that leads name."""

from crm.leads.model import DEFAULT_PIPELINE, DEFAULT_STATUS
from crm.pipelines.defaults import DEFAULT_PIPELINE_NAME, STAGES, StageFields
from crm.pipelines.known import Place
from crm.pipelines.model import Pipeline, Stage
from crm.pipelines.store import PipelineStore
from crm.refusals import bad_field
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


async def hold_place(pipeline: str | None, status: str, unit: UnitOfWork, *, under: str = "body") -> Place:
    """Return where a lead goes, in the caller's transaction, until whose end the stage stays.

    Args:
        pipeline: None: the organisation's default one.
        under: what of the request says the two.

    Raises:
        Refusal: `invalid_request`, naming the field and what may stand there.
    """
    store = PipelineStore(unit)
    place = await store.hold(pipeline, status)
    if place is not None:
        return place
    pipelines = await store.all()
    for found in pipelines:
        if found.is_default if pipeline is None else found.slug == pipeline:
            allowed = [stage.slug for stage in await store.stages(found.id)]
            raise bad_field(f"{under}.status", f"is no stage of {found.slug}: take {_one_of(allowed)}")
    allowed = [found.slug for found in pipelines]
    raise bad_field(f"{under}.pipeline", f"is no pipeline: take {_one_of(allowed)}")


async def place_of_new(unit: UnitOfWork) -> Place:
    """Return where a lead goes of which nothing is said, in the caller's transaction."""
    return await hold_place(None, DEFAULT_STATUS, unit)


async def found_pipeline(unit: UnitOfWork) -> None:
    """Give a new organisation its first pipeline, in the caller's transaction."""
    await add_with_stages(DEFAULT_PIPELINE_NAME, DEFAULT_PIPELINE, 0, unit, is_default=True)


async def add_with_stages(
    name: str, slug: str, position: int, unit: UnitOfWork, *, is_default: bool = False
) -> Pipeline:
    """Make a pipeline with the stages that every one begins with, in the caller's transaction."""
    pipeline = Pipeline(org_id=unit.org_id, id=new_id(), name=name, slug=slug, position=position)
    pipeline.is_default = is_default
    unit.session.add(pipeline)
    await unit.session.flush()
    unit.session.add_all(stage_of(pipeline, fields, number) for number, fields in enumerate(STAGES))
    await unit.session.flush()
    return pipeline


def stage_of(pipeline: Pipeline, fields: StageFields, position: int) -> Stage:
    made = {"name": fields.name, "slug": fields.slug, "kind": fields.kind.value, "position": position}
    return Stage(org_id=pipeline.org_id, id=new_id(), pipeline_id=pipeline.id, **made)


def _one_of(slugs: list[str]) -> str:
    return "one of " + ", ".join(slugs) if slugs else "none, for there is none"
