"""The agent's fixed sentences."""

from dataclasses import fields

import pytest

from agent.stock_phrases import stock_phrases


@pytest.mark.parametrize(
    ("language", "begins"),
    [("en-US", "I am sorry"), ("en", "I am sorry"), ("pt-BR", "Desculpe"), ("PT_br", "Desculpe"), ("xx", "I am sorry")],
)
def test_they_are_in_the_agent_s_language(language: str, begins: str) -> None:
    assert stock_phrases(language).sorry.startswith(begins)


@pytest.mark.parametrize("language", ["en", "pt"])
def test_a_voice_can_have_all_of_them_ready(language: str) -> None:
    phrases = stock_phrases(language)
    whole = {*phrases.all, phrases.leave_message, phrases.message_taken}
    assert len(whole) == len(fields(phrases)) == len(phrases.all) + 2, "a phrase for each occasion"
    assert {phrases.sorry, *phrases.patience} < set(phrases.all)
    assert all(phrase.strip() for phrase in whole)
