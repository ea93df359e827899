"""What does not take the floor from the agent."""

import pytest

from agent.turns.assent import is_backchannel, is_fragment, is_noise
from agent.turns.word_lists import lists_for
from media.activity.detector import VoiceEnded

WORDS = frozenset({"uh-huh", "okay", "right", "i see"})


@pytest.mark.parametrize("text", ["uh-huh", "Okay.", "okay right", "", "I see"])
def test_assent_is_no_interruption(text: str) -> None:
    assert is_backchannel(text, WORDS)


@pytest.mark.parametrize("text", ["wait", "okay but wait", "who is this", "i see a problem"])
def test_anything_more_is(text: str) -> None:
    assert not is_backchannel(text, WORDS)


@pytest.mark.parametrize("text", ["Tá.", "tá bom", "Sim, sim.", "aham", "É, entendi.", "ta"])
def test_assent_in_portuguese_is_none_either_with_or_without_accents(text: str) -> None:
    assert is_backchannel(text, lists_for("pt-BR").backchannels)


@pytest.mark.parametrize("text", ["não", "sim mas quanto custa", "tá errado"])
def test_a_refusal_in_portuguese_is_one(text: str) -> None:
    assert not is_backchannel(text, lists_for("pt-BR").backchannels)


def test_a_click_is_noise_whatever_was_made_out_and_a_word_is_not() -> None:
    assert is_noise(VoiceEnded(1_000, 1_120, 1_500), "stop", WORDS)
    assert not is_noise(VoiceEnded(1_000, 1_400, 1_800), "stop", WORDS)
    assert is_noise(VoiceEnded(1_000, 1_400, 1_800), "okay", WORDS)


@pytest.mark.parametrize(
    ("text", "language"),
    [("I'm", "en"), ("am I am", "en"), ("at that", "en"), ("i the", "en"), ("que a", "pt"), ("eu", "pt")],
)
def test_words_with_which_nobody_leaves_it_are_a_fragment(text: str, language: str) -> None:
    assert is_fragment(text, lists_for(language))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("wait", "en"),
        ("who", "en"),
        ("When?", "en"),
        ("really", "en"),
        ("I am", "en"),
        ("that is", "en"),
        ("at work", "en"),
        ("I'm busy", "en"),
        ("Quando?", "pt"),
        ("não", "pt"),
    ],
)
def test_a_question_of_one_word_and_an_answer_that_may_stand_alone_are_none(text: str, language: str) -> None:
    assert not is_fragment(text, lists_for(language))
