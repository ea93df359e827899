"""What becomes of fields: nothing that both have is lost without a choice, and undoing takes back the merge alone."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crm.duplicates.merging import CHOSEN, merged, undone

TEXT = st.sampled_from(["", "a", "b"])
ROWS = st.fixed_dictionaries(
    {
        **dict.fromkeys(("name", "company", "source", "pipeline", "next_step", "time_zone", "notes"), TEXT),
        **{name: st.none() | TEXT for name in ("email", "phone", "owner_id", "do_not_call_at")},
        "status": st.sampled_from(["novo", "won", "do_not_call"]),
        "score": st.integers(0, 2),
        "custom_fields": st.dictionaries(TEXT, TEXT),
        "objections": st.lists(st.fixed_dictionaries({"at": TEXT}), max_size=2),
        "do_not_call": st.booleans(),
    }
)
CHOICES = st.dictionaries(st.sampled_from(CHOSEN), st.sampled_from(["kept", "gone"]))


@given(ROWS, ROWS, CHOICES)
def test_a_merge_takes_what_was_chosen_and_can_be_taken_back(
    kept: dict[str, Any], gone: dict[str, Any], choices: dict[str, Any]
) -> None:
    after = merged(kept, gone, choices)
    now = kept | after
    for field in set(CHOSEN) - {"custom_fields", "status"}:
        if field in choices:
            assert now[field] == (gone if choices[field] == "gone" else kept)[field]
        elif kept[field] not in (None, ""):
            assert now[field] == kept[field]
        else:
            assert now[field] == gone[field]
    assert now["custom_fields"].keys() == kept["custom_fields"].keys() | gone["custom_fields"].keys()
    assert now["do_not_call"] == (kept["do_not_call"] or gone["do_not_call"])
    assert not now["do_not_call"] or now["status"] == "do_not_call"
    assert len(now["objections"]) == len(kept["objections"]) + len(gone["objections"])
    before = {field: kept[field] for field in after}
    assert now | undone(now, before, after) == kept


def test_what_was_changed_since_stays() -> None:
    before, after = {"name": "Ana", "company": ""}, {"name": "Ana S.", "company": "Sol"}
    assert undone({"name": "Ana Souza", "company": "Sol"}, before, after) == {"company": ""}


def test_custom_fields_of_both() -> None:
    empty = dict.fromkeys((*CHOSEN, "notes"), "") | {"objections": [], "do_not_call": False, "score": 0}
    kept, gone = empty | {"custom_fields": {"a": 1, "b": 2}}, empty | {"custom_fields": {"b": 3, "c": 4}}
    assert merged(kept, gone, {})["custom_fields"] == {"a": 1, "b": 2, "c": 4}
    assert merged(kept, gone, {"custom_fields": "gone"})["custom_fields"] == {"a": 1, "b": 3, "c": 4}
