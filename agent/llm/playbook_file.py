"""Playbooks from files and call plans, checked: an error names the place, the field and the remedy.

Reading a file blocks; it happens where a process starts or where a call is planned, never in a call.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any, Final

import msgspec
import yaml

from agent.llm.playbook import PHRASES_MAX, Intent, Playbook, phrases

VARIABLES: Final = frozenset({"prospect_name", "prospect_company", "agent_name", "org_name"})
WHEN: Final = "when"
_WHEN_FIELDS: Final = frozenset({"$.goal.confirm", "$.callback.confirm"})
# Fields that are heard or are names: braces in them are no variables.
_UNSPOKEN: Final = frozenset(
    {"phrases", "times", "backchannels", "name", "id", "language", "slot", "if_no", "note", "first_step"}
)
_SPEAKABLE: Final = re.compile(r"(?:[^\W\d_]|[' -])+")  # letters of any language
_FILE_BYTES_MAX: Final = 512 * 1024


class BadPlaybook(ValueError):
    """A playbook that cannot be used; the message says where, what and how to mend it."""


def load(path: Path) -> Playbook:
    """Return the playbook in a YAML file.

    Raises:
        BadPlaybook: the file cannot be read, is not YAML, or `parse` refuses it.
    """
    return parse(read_document(path), str(path))


def read_document(path: Path) -> dict[str, Any]:
    """Return a playbook file as plain data, for a call plan; `parse` checks it.

    Raises:
        BadPlaybook: the file cannot be read or is not a YAML mapping.
    """
    try:
        if path.stat().st_size > _FILE_BYTES_MAX:
            raise BadPlaybook(f"{path}: is larger than {_FILE_BYTES_MAX} bytes; split it or remove phrases")
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadPlaybook(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from None
    except UnicodeDecodeError:
        raise BadPlaybook(f"{path}: is not UTF-8; save it as UTF-8") from None
    except yaml.YAMLError as error:
        raise BadPlaybook(f"{path}: is not YAML: {_yaml_fault(error)}; check indentation and quotes there") from None
    if not isinstance(document, dict):
        raise BadPlaybook(f"{path}: holds no mapping; begin with `name:`")
    return document


def parse(document: Mapping[str, Any], source: str) -> Playbook:
    """Return the playbook in plain data; `source` names it in errors.

    Raises:
        BadPlaybook: a field is missing, unknown or of the wrong kind, or names an unknown variable.
    """
    _check_keys(document, source)
    try:
        playbook = msgspec.convert(document, Playbook)
    except msgspec.ValidationError as error:
        raise BadPlaybook(f"{source}: {_with_remedy(str(error))}") from None
    for path, line in _spoken_lines(document, "$"):
        _check_variables(source, path, line)
    _check_meaning(source, playbook)
    return playbook


def _yaml_fault(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    return f"{problem}, line {mark.line + 1}, column {mark.column + 1}" if mark is not None else str(problem)


def _check_keys(document: Mapping[str, Any], source: str) -> None:
    intents = document.get("intents")
    for path, mapping in (("$", document), ("$.intents", intents if isinstance(intents, Mapping) else {})):
        for key in mapping:
            if not isinstance(key, str):
                raise BadPlaybook(f'{source}: {path}: the key {key!r} is no text; YAML wants "yes" and "no" in quotes')


def _with_remedy(fault: str) -> str:
    """Add to msgspec's fault (which names the field's path) what to do about it."""
    if "unknown field" in fault:
        return f"{fault}; remove it or correct its spelling (docs/guides/playbooks.md lists the fields)"
    if "missing required field" in fault:
        return f"{fault}; add it (config/playbooks/energy_meeting.yaml is an example)"
    if "enum value" in fault:
        return f"{fault}; use one that docs/guides/playbooks.md lists, such as {', '.join(list(Intent)[:4])}"
    if "Expected `str`, got `bool`" in fault:
        return f"{fault}; put yes, no, on and off in quotes"
    return f"{fault}; correct the value"


def _spoken_lines(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in _UNSPOKEN:
                yield from _spoken_lines(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _spoken_lines(item, f"{path}[{index}]")


def _check_variables(source: str, path: str, line: str) -> None:
    allowed = VARIABLES | {WHEN} if path in _WHEN_FIELDS else VARIABLES
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in Formatter().parse(line) if name is not None]
    except ValueError:
        raise BadPlaybook(f"{source}: {path}: has an unbalanced brace; write {{name}} for a variable") from None
    for name, spec, conversion in fields:
        if name not in allowed or spec or conversion:
            listed = ", ".join(f"{{{variable}}}" for variable in sorted(allowed))
            raise BadPlaybook(f"{source}: {path}: unknown variable {{{name}}}; use one of {listed}")


def _check_meaning(source: str, playbook: Playbook) -> None:
    missing = [intent for intent in Intent if intent not in playbook.intents]
    if missing:
        raise BadPlaybook(f"{source}: $.intents: lacks {', '.join(missing)}; give each at least one phrase")
    *questions, last = playbook.steps
    if last.slot != WHEN:
        raise BadPlaybook(
            f"{source}: $.steps[{len(questions)}].slot: the last step must ask for the time; set it to when"
        )
    for index, step in enumerate(questions):
        if step.slot:
            raise BadPlaybook(f"{source}: $.steps[{index}].slot: only the last step has a slot; remove it")
    for field, names in (
        ("steps", [step.id for step in playbook.steps]),
        ("objections", [objection.name for objection in playbook.objections]),
    ):
        for name in names:
            if names.count(name) > 1:
                raise BadPlaybook(f"{source}: $.{field}: {name} stands twice; rename one")
    if playbook.callers is not None and playbook.callers.first_step not in [step.id for step in questions]:
        known = ", ".join(step.id for step in questions)
        raise BadPlaybook(f"{source}: $.callers.first_step: is none of the steps before the last one; use {known}")
    lines = phrases(playbook)
    if len(lines) > PHRASES_MAX:
        raise BadPlaybook(f"{source}: {len(lines)} phrases with weights and times; {PHRASES_MAX} at most, remove some")
    for line in lines:
        if not _SPEAKABLE.fullmatch(line) or line != line.lower():
            raise BadPlaybook(
                f"{source}: the phrase {line!r}: use small letters and apostrophes only, numbers as words"
            )
