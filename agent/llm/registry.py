"""The models that can be had, by the name that a call plan gives."""

from collections.abc import Callable, Mapping
from typing import Final

from agent.llm.playbook import Playbook
from agent.llm.port import Model
from agent.llm.scripted import ScriptedModel

MODELS: Final[Mapping[str, Callable[[Playbook], Model]]] = {
    "scripted": ScriptedModel,
}


class UnknownModel(ValueError):
    """No model goes by that name."""


def open_model(name: str, playbook: Playbook) -> Model:
    """Return the model of that name.

    Raises:
        UnknownModel: with the names that are known.
    """
    make = MODELS.get(name)
    if make is None:
        raise UnknownModel(f"unknown model {name!r}; known: {', '.join(sorted(MODELS))}")
    return make(playbook)
