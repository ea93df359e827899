"""Which objections an utterance holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.lexicon_files import lexicon_for
from agent.understanding.objections import (
    EXAMPLES_MAX,
    OBJECTIONS_MAX,
    Objection,
    find_objections,
    read_examples,
)
from events.understanding import CorrectedObjection, ObjectionKind

EN, PT = lexicon_for("en"), lexicon_for("pt")


@pytest.mark.parametrize(
    ("said", "kind", "quote"),
    [
        ("Well, it's too expensive for us.", ObjectionKind.PRICE, "too expensive"),
        ("Honestly? We already have a supplier!", ObjectionKind.COMPETITOR, "already have a supplier"),
        ("I'd have to ask my boss about that", ObjectionKind.AUTHORITY, "ask my boss"),
        ("is this a scam", ObjectionKind.TRUST, "scam"),
        ("I'm not interested, sorry", ObjectionKind.NO_INTEREST, "not interested"),
    ],
)
def test_an_objection_is_told_with_the_words_in_which_it_was_made(said: str, kind: ObjectionKind, quote: str) -> None:
    assert find_objections(said, EN) == (Objection(kind, quote),)


def test_a_portuguese_objection_keeps_its_accents_in_the_quote() -> None:
    assert find_objections("Não tenho interesse, não.", PT) == (
        Objection(ObjectionKind.NO_INTEREST, "Não tenho interesse"),
    )


def test_several_objections_are_told_in_their_order_each_kind_once() -> None:
    found = find_objections("too expensive, and I must ask my boss, way too expensive, and I have no time", EN)
    assert [objection.kind for objection in found] == [
        ObjectionKind.PRICE,
        ObjectionKind.AUTHORITY,
        ObjectionKind.TIMING,
    ]


@pytest.mark.parametrize("said", ["", "yes", "hello who is this", "we are a bakery", "..."])
def test_what_is_no_objection_is_none(said: str) -> None:
    assert find_objections(said, EN) == ()


def test_an_example_goes_before_the_patterns() -> None:
    said = "we already have a contract with my brother in law"
    assert find_objections(said, EN)[0].kind is ObjectionKind.COMPETITOR
    examples = read_examples([CorrectedObjection("already have a contract with my brother in law", "authority")])
    assert [one.kind for one in find_objections(said, EN, examples)] == [ObjectionKind.AUTHORITY]


def test_an_example_fits_what_says_nearly_the_same() -> None:
    examples = read_examples([CorrectedObjection("the roof belongs to the church", "authority")])
    assert find_objections("you know the old roof belongs to our church", EN, examples)[0].kind is (
        ObjectionKind.AUTHORITY
    )
    assert find_objections("the church has a roof that belongs", EN, examples) == ()


def test_what_a_person_called_none_is_told_no_more() -> None:
    examples = read_examples([CorrectedObjection("how much does it cost", "none")])
    assert find_objections("how much does it cost?", EN, examples) == ()
    assert find_objections("it is too expensive", EN, examples) != ()


def test_a_single_word_of_an_example_is_not_the_example() -> None:
    examples = read_examples([CorrectedObjection("no good", "trust")])
    assert find_objections("good", EN, examples) == ()


def test_examples_without_words_or_with_an_unknown_kind_are_left() -> None:
    corrected = [CorrectedObjection("...", "price"), CorrectedObjection("a b", "weather")]
    assert read_examples(corrected) == ()
    assert len(read_examples([CorrectedObjection("a b", "price")] * (EXAMPLES_MAX + 5))) == EXAMPLES_MAX


TEXTS = st.text(max_size=120) | st.lists(
    st.sampled_from(["expensive", "my", "boss", "not", "interested", "scam", "no", "time", "ask", "é", "caro,"]),
    max_size=40,
).map(" ".join)


@given(TEXTS, st.lists(st.builds(CorrectedObjection, TEXTS, st.sampled_from([*ObjectionKind, "none"])), max_size=4))
def test_quotes_are_words_that_were_said(said: str, corrected: list[CorrectedObjection]) -> None:
    found = find_objections(said, EN, read_examples(corrected))
    assert len(found) <= OBJECTIONS_MAX
    assert len({objection.kind for objection in found}) == len(found)
    for objection in found:
        assert objection.quote in " ".join(said.split())
