"""What becomes of two leads' fields when they are merged, and when that is undone. Sans-I/O; values as in JSON."""

from collections.abc import Mapping
from typing import Any, Final, Literal

Choice = Literal["kept", "gone"]

# What a person chooses between. Without a choice the kept lead's value holds, unless it has none.
CHOSEN: Final = (
    *("name", "email", "phone", "company", "source", "pipeline", "status", "score", "next_step", "time_zone"),
    *("owner_id", "custom_fields"),
)
# Who set a score and when go with it.
SCORE_MARKS: Final = ("score_set_by", "score_set_at")


def merged(kept: Mapping[str, Any], gone: Mapping[str, Any], choices: Mapping[str, Choice]) -> dict[str, Any]:
    """Return the kept lead's new values, of those fields only that change.

    Objections of both are kept, as notes are, which are rows; and a wish not to be called of either holds, whatever is
    chosen.
    """
    made: dict[str, Any] = {}
    for field in CHOSEN:
        made[field] = _chosen(field, kept[field], gone[field], choices.get(field))
    if choices.get("score") == "gone":
        # With whether somebody set it: a score that was worked out is worked out again.
        made |= {name: gone.get(name) for name in SCORE_MARKS}
    made["objections"] = sorted([*kept["objections"], *gone["objections"]], key=lambda told: str(told.get("at", "")))
    if gone["do_not_call"] and not kept["do_not_call"]:
        made |= {"do_not_call": True, "do_not_call_at": gone["do_not_call_at"]}
    if kept["do_not_call"] or gone["do_not_call"]:
        made["status"] = "do_not_call"
    return {field: value for field, value in made.items() if value != kept.get(field)}


def undone(now: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a merge changed and nobody has changed since, as they were before it."""
    # Merges of an earlier release hold the notes' text too, which is kept by their rows.
    fields = before.keys() - {"notes"}
    return {field: before[field] for field in fields if now[field] == after[field] and now[field] != before[field]}


def _chosen(field: str, kept: Any, gone: Any, choice: Choice | None) -> Any:
    if field == "custom_fields":
        first, second = (kept, gone) if choice == "gone" else (gone, kept)
        return {**first, **second}
    if choice is not None:
        return gone if choice == "gone" else kept
    # A score of 0 is one; an empty text is none.
    return gone if kept is None or kept == "" else kept
