"""What a voice may keep: the operator's own sentences, and none that names a person."""

from agent.fixed_phrases import fixed_phrases
from agent.stock_phrases import ENGLISH
from tests.agent.llm.playbooks import energy_meeting


def test_stock_phrases_are_kept_whole_and_by_sentences() -> None:
    found = fixed_phrases(energy_meeting(), ENGLISH)
    assert set(ENGLISH.all) <= found
    assert "We will call you back." in found


def test_lines_with_variables_are_not_kept_but_their_other_sentences_are() -> None:
    found = fixed_phrases(energy_meeting(), ENGLISH)
    assert not [sentence for sentence in found if "{" in sentence]
    assert "{" in energy_meeting().opening.greeting
    assert energy_meeting().when.ask_day in found
