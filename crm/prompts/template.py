"""A prompt's text with its {variables}: what it names, and whether a call will know it. Sans-I/O.

The model gateway fills the text in at each request; a name that nobody knows would be read out to the model in its
braces, so it is refused when the prompt is saved.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

TEXT_CHARS_MAX: Final = 20_000
VALUE_CHARS_MAX: Final = 500
VARIABLES_MAX: Final = 50
# What each call knows of itself; crm.agents.started fills them in.
BUILT_IN: Final = frozenset(
    {"agent_name", "org_name", "prospect_name", "prospect_company", "today", "local_time", "language"}
)
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
# Anything in braces that begins like a word is meant as a variable: better refused than read out.
_BRACED: Final = re.compile(r"\{\s*([A-Za-z_][^{}\n]{0,60})\}")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A version as calls use it. `defaults` are the declared variables' values where the lead has none of its own."""

    number: str
    text: str
    defaults: Mapping[str, str]

    def values(self, own: Mapping[str, Any]) -> dict[str, str]:
        """Return the declared variables for a lead with such fields; text, numbers and truths of them count."""
        return {
            name: str(own[name])[:VALUE_CHARS_MAX] if isinstance(own.get(name), str | int | float) else default
            for name, default in self.defaults.items()
        }


def faults_of(text: str, declared: Iterable[str]) -> list[str]:
    """Return what is wrong with a text's variables, one sentence each; empty when it can be saved."""
    known = BUILT_IN | set(declared)
    faults = []
    for name in dict.fromkeys(match[1].rstrip() for match in _BRACED.finditer(text)):
        if NAME.fullmatch(name) is None:
            faults.append(f"{{{name}}} is no variable: write it in small letters, digits and _, without blanks")
        elif name not in known:
            faults.append(f"{{{name}}} is not known: declare it in variables, or use one of {', '.join(sorted(known))}")
    return faults
