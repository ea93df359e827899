"""The demonstration's playbook, and its document for tests that change it."""

import copy
from functools import cache
from pathlib import Path
from typing import Any, Final

from agent.llm.playbook import Playbook
from agent.llm.playbook_file import load, read_document

PATH: Final = Path(__file__).parents[3] / "config" / "playbooks" / "energy_meeting.yaml"


@cache
def energy_meeting() -> Playbook:
    return load(PATH)


@cache
def reuniao_energia() -> Playbook:
    return load(PATH.with_name("reuniao_energia.yaml"))


@cache
def _document() -> dict[str, Any]:
    return read_document(PATH)


def document() -> dict[str, Any]:
    return copy.deepcopy(_document())
