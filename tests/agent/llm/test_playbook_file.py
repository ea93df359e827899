"""A malformed playbook is refused with the file, the field and the remedy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.llm.playbook import PHRASES_MAX, phrases
from agent.llm.playbook_file import BadPlaybook, load, parse, read_document
from tests.agent.llm.playbooks import PATH, document

Change = Callable[[dict[str, Any]], object]

FAULTS: list[tuple[str, Change, tuple[str, ...]]] = [
    ("unknown key", lambda d: d["opening"].update(colour="red"), ("colour", "$.opening", "remove it")),
    ("missing key", lambda d: d["goal"].pop("confirm"), ("confirm", "$.goal", "add it")),
    ("wrong type", lambda d: d["steps"][1].update(ask=7), ("$.steps[1].ask", "correct the value")),
    ("empty line", lambda d: d["wait"].update(answer=""), ("$.wait.answer", "correct")),
    ("bad choice", lambda d: d["steps"][0].update(if_no="shout"), ("$.steps[0].if_no", "shout")),
    ("unquoted yes as value", lambda d: d["times"].update(lead_ins=[True]), ("$.times.lead_ins[0]", "quotes")),
    ("unquoted yes as key", lambda d: d["intents"].update({True: {"phrases": ["yes"]}}), ("$.intents", "quotes")),
    ("unknown intent", lambda d: d["intents"].update(sing={"phrases": ["la"]}), ("sing", "$.intents")),
    ("lacking intent", lambda d: d["intents"].pop("opt_out"), ("opt_out", "at least one phrase")),
    ("no phrases", lambda d: d["intents"]["opt_out"].update(phrases=[]), ("$.intents", "correct")),
    ("unknown variable", lambda d: d["opening"].update(who="I am {me}."), ("$.opening.who", "{me}", "{agent_name}")),
    ("variable out of place", lambda d: d["goal"].update(goodbye="Till {when}."), ("$.goal.goodbye", "{when}")),
    ("formatting in a variable", lambda d: d["wait"].update(back="{org_name:>9}"), ("$.wait.back", "unknown variable")),
    ("variable in a list", lambda d: d["silence"]["prompts"].append("{x}"), ("$.silence.prompts[2]", "{x}")),
    ("unbalanced brace", lambda d: d["wait"].update(back="Thanks {"), ("$.wait.back", "brace")),
    ("no slot at the end", lambda d: d["steps"][-1].pop("slot"), ("$.steps[3].slot", "when")),
    ("slot too early", lambda d: d["steps"][0].update(slot="when"), ("$.steps[0].slot", "remove it")),
    ("step twice", lambda d: d["steps"].insert(0, dict(d["steps"][0])), ("$.steps", "permission", "rename")),
    ("objection twice", lambda d: d["objections"].append(dict(d["objections"][0])), ("$.objections", "price")),
    ("digits in a phrase", lambda d: d["times"]["hours"].append("10"), ("10", "numbers as words")),
    ("too many phrases", lambda d: d["times"].update(days=[f"{'a' * n}" for n in range(1, 80)] * 9), ("at most",)),
]


@pytest.mark.parametrize(("change", "named"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS])
def test_a_fault_is_named_with_source_field_and_remedy(change: Change, named: tuple[str, ...]) -> None:
    changed = document()
    change(changed)

    with pytest.raises(BadPlaybook) as caught:
        parse(changed, "plan.playbook")

    assert str(caught.value).startswith("plan.playbook: ")
    for part in named:
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"opening: [", "is not YAML"),
        (b"- a\n- b\n", "holds no mapping"),
        (b"\xff\xfe\x00x", "UTF-8"),
        (b"", "holds no mapping"),
        (b"a: " + b"x" * 600_000, "larger than"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, content: bytes, named: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)

    with pytest.raises(BadPlaybook, match=named) as caught:
        load(path)

    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPlaybook, match=r"nowhere\.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml")


def test_a_yaml_fault_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("name: x\n  oops: y\n", encoding="utf-8")

    with pytest.raises(BadPlaybook, match="line 2"):
        load(path)


def test_every_playbook_that_is_shipped_is_good() -> None:
    paths = sorted(PATH.parent.glob("*.yaml"))
    assert paths
    for path in paths:
        playbook = load(path)
        assert playbook.name == path.stem
        assert 0 < len(phrases(playbook)) <= PHRASES_MAX


def test_a_document_survives_the_call_plan() -> None:
    import msgspec

    wire = msgspec.msgpack.decode(msgspec.msgpack.encode(read_document(PATH)))

    assert parse(wire, "plan") == load(PATH)


def test_sentences_are_short_and_the_opening_tells_what_it_must() -> None:
    opening = load(PATH).opening
    assert "automated assistant" in opening.greeting
    assert "recorded" in opening.disclosure
