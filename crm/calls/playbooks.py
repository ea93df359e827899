"""Playbooks as files: read when a call is placed, so that an edit is in force with the next call.

What is in one is judged by the voice process, which uses it; here it only has to be there and be a table.
"""

import re
from pathlib import Path
from typing import Any, Final

import yaml

from crm.refusals import Refusal

_NAME: Final = re.compile(r"[a-z0-9_]{1,64}")
FILE_BYTES_MAX: Final = 256 * 1024


class PlaybookUnusable(Refusal):
    """The agent's playbook is missing or malformed: nobody is called with it."""

    def __init__(self, name: str, fault: str) -> None:
        super().__init__("playbook_unusable", {"playbook": name, "fault": fault})


def read_playbook(folder: Path, name: str) -> dict[str, Any]:
    """Return the playbook `name` of `folder`. Blocking: a small local file.

    Raises:
        PlaybookUnusable
    """
    if not _NAME.fullmatch(name):
        raise PlaybookUnusable(name, "its name may hold small letters, digits and _ only")
    path = folder / f"{name}.yaml"
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise PlaybookUnusable(name, "it is too long")
        playbook = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise PlaybookUnusable(name, "it cannot be read") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise PlaybookUnusable(name, "it is not YAML") from None
    if not isinstance(playbook, dict) or not all(isinstance(key, str) for key in playbook):
        raise PlaybookUnusable(name, "it is not a table")
    return playbook
