"""What is refused about pipelines and stages, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "pipeline_not_found": Kind(404, "There is no such pipeline"),
    "stage_not_found": Kind(404, "The pipeline has no such stage"),
    "pipeline_exists": Kind(409, "There is a pipeline of that slug: give another one"),
    "stage_exists": Kind(409, "The pipeline has a stage of that slug: give another one"),
    "too_many_pipelines": Kind(409, "There are as many pipelines as an organisation may have: remove one"),
    "too_many_stages": Kind(409, "There are as many stages as a pipeline may have: remove one"),
    "pipeline_is_default": Kind(409, "Leads that name no pipeline go here: make another one the default first"),
    "pipeline_has_leads": Kind(409, "Leads are in this pipeline: move them into another one first"),
    "stage_kept": Kind(409, "Calls move leads into this stage: name it as you like, but it stays"),
    "stage_has_leads": Kind(409, "Leads are in this stage: say by move_to which stage they go into"),
}
