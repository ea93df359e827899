"""Every place that an organisation's leads may be in, found by slugs or by the names that people write. Sans-I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lead is, in the words that it is kept by."""

    pipeline: str
    status: str


@dataclass(frozen=True, slots=True)
class Named:
    """A stage with its pipeline: their slugs and their names."""

    place: Place
    pipeline_name: str
    stage_name: str
    in_default: bool


class Places:
    def __init__(self, stages: Iterable[Named]) -> None:
        self._stages = tuple(stages)
        self.known = frozenset(stage.place for stage in self._stages)

    def __contains__(self, place: object) -> bool:
        return place in self.known

    @property
    def default(self) -> str:
        """The pipeline of leads that name none; empty where there is none, and then no place fits."""
        return next((stage.place.pipeline for stage in self._stages if stage.in_default), "")

    def pipeline_of(self, text: str) -> str:
        """Return the slug of a pipeline that somebody wrote. Raises ValueError."""
        return _found(text, self._pipelines, "is no pipeline")

    def status_of(self, text: str) -> str:
        """Return the slug of a stage of any pipeline that somebody wrote. Raises ValueError."""
        return _found(text, self._statuses, "is no stage of a pipeline")

    @cached_property
    def _pipelines(self) -> Mapping[str, set[str]]:
        return _by_words((stage.place.pipeline, stage.pipeline_name) for stage in self._stages)

    @cached_property
    def _statuses(self) -> Mapping[str, set[str]]:
        return _by_words((stage.place.status, stage.stage_name) for stage in self._stages)


def _by_words(named: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    slugs = set()
    for slug, name in named:
        slugs.add(slug)
        found.setdefault(_plain(name), set()).add(slug)
    # A slug is meant before a name.
    return found | {slug: {slug} for slug in slugs}


def _found(text: str, by_words: Mapping[str, set[str]], fault: str) -> str:
    slugs = by_words.get(text) or by_words.get(_plain(text)) or set()
    if len(slugs) == 1:
        return next(iter(slugs))
    if slugs:
        raise ValueError(f"names more than one: write one of {', '.join(sorted(slugs))}")
    raise ValueError(f"{fault}: make it first, or map the column to something else")


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
