"""The carrier's word and our ear's."""

import pytest

from events.call import AnsweredBy, AnswererKnown
from telephony.call.answerer import Answerer

HUMAN, MACHINE, UNKNOWN = AnsweredBy.HUMAN, AnsweredBy.MACHINE, AnsweredBy.UNKNOWN


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ([("carrier", HUMAN)], HUMAN),
        ([("carrier", UNKNOWN), ("carrier", MACHINE)], MACHINE),
        ([("carrier", MACHINE), ("carrier", HUMAN)], MACHINE),
        ([("ear", HUMAN), ("carrier", MACHINE)], HUMAN),
        ([("carrier", MACHINE), ("ear", HUMAN)], HUMAN),
        ([("ear", MACHINE), ("ear", HUMAN)], HUMAN),
    ],
)
def test_whose_word_counts(words: list[tuple[str, AnsweredBy]], known: AnsweredBy) -> None:
    told: list[AnswererKnown] = []
    answerer = Answerer(told.append)
    for source, answered_by in words:
        if source == "carrier":
            answerer.carrier_said(answered_by, "detail")
        else:
            answerer.heard(answered_by, "detail")
    assert answerer.known is known
    assert told[-1].answered_by is known, "the last event is the truth"
