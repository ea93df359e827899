"""The unseen set is whole: a persona for each expectation and an expectation for each persona, none of them in use."""

from bench.personas import TABLE, faults
from bench.unseen_personas import ONCE_UNSEEN, UNSEEN
from telephony.carrier.app import PERSONAS_DIR
from telephony.carrier.persona import load_folder


def test_every_unseen_persona_has_its_expectation() -> None:
    assert set(UNSEEN) == set(load_folder(PERSONAS_DIR / "unseen"))
    assert not set(UNSEEN) & (set(TABLE) | set(ONCE_UNSEEN))
    assert set(ONCE_UNSEEN) <= set(load_folder(PERSONAS_DIR))


def test_nobody_reaches_them_by_accident() -> None:
    """A number of their own would have them called by whoever dials it."""
    assert not [name for name, persona in load_folder(PERSONAS_DIR / "unseen").items() if persona.numbers]


def test_what_is_not_as_expected_is_named() -> None:
    summary = {
        "state": "ended",
        "outcome": "not_interested",
        "answered_by": "human",
        "ledger": {"settled": 5},
        "lead": {"status": "new", "do_not_call": False},
        "barge_ins": [],
    }
    assert faults(summary, UNSEEN["angry"]) == [
        "outcome is 'not_interested', not 'opted_out'",
        "lead is 'new', not 'do_not_call'",
        "do_not_call is False, not True",
        "0 barge-ins, not 1 to 2",
    ]
    assert faults({"error": {"message": "no"}}, UNSEEN["angry"]) == ["{'message': 'no'}"]
