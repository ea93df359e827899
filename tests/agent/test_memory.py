"""The model is told what was said and heard, once."""

from agent.llm.port import EventName, Message, Role
from agent.memory import Memory


def test_an_answer_thrown_away_unheard_leaves_both_utterances_for_one_answer() -> None:
    memory = Memory()
    memory.caller_said("my number is")
    memory.ask(None)
    memory.take_back()
    memory.caller_said("five five five")
    memory.ask(None)
    assert memory.messages == (Message(Role.USER, "my number is five five five"),)


def test_an_answer_that_was_heard_is_remembered_as_heard() -> None:
    memory = Memory()
    memory.ask(EventName.ANSWERED)
    memory.answer_heard()
    assert not memory.agent_has_spoken
    memory.agent_heard("Hello, this is", cut_short=True)
    memory.caller_said("who")
    memory.ask(None)
    assert memory.messages == (
        Message(Role.EVENT, EventName.ANSWERED),
        Message(Role.ASSISTANT, "Hello, this is", cut_short=True),
        Message(Role.USER, "who"),
    )
    assert memory.agent_has_spoken


def test_a_second_take_back_takes_nothing_more() -> None:
    memory = Memory()
    memory.agent_heard("Hello.", cut_short=False)
    memory.caller_said("hi")
    memory.ask(None)
    memory.take_back()
    memory.take_back()
    assert memory.messages == (Message(Role.ASSISTANT, "Hello."),)


def test_only_answers_of_which_a_word_was_heard_have_begun() -> None:
    memory = Memory()
    memory.agent_heard("", cut_short=True)
    assert memory.answers_begun == 0
    memory.agent_heard("Hello,", cut_short=True)
    assert memory.answers_begun == 1
