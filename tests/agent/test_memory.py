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


def test_a_note_stands_before_what_is_answered_next_and_stays_there() -> None:
    memory = Memory()
    memory.agent_heard("Hello.", cut_short=False)
    memory.note("a colleague talked")
    memory.caller_said("yes")
    note, said = Message(Role.NOTE, "a colleague talked"), Message(Role.USER, "yes")
    assert memory.supposing("and no") == (
        Message(Role.ASSISTANT, "Hello."),
        note,
        Message(Role.USER, "yes and no"),
    )
    memory.ask(None)
    assert memory.messages[-2:] == (note, said)
    memory.take_back()
    memory.note("and another")
    memory.ask(EventName.SILENCE)
    memory.answer_heard()
    memory.caller_said("well")
    memory.ask(None)
    assert [message.role for message in memory.messages] == [
        Role.ASSISTANT,
        Role.NOTE,
        Role.NOTE,
        Role.USER,
        Role.EVENT,
        Role.USER,
    ]


def test_a_note_that_comes_while_an_answer_is_made_waits_for_the_next_one() -> None:
    memory = Memory()
    memory.caller_said("yes")
    memory.ask(None)
    memory.note("offer ten per cent")
    memory.answer_heard()
    memory.agent_heard("Good.", cut_short=False)
    memory.caller_said("hm")
    memory.ask(None)
    assert memory.messages[-2:] == (Message(Role.NOTE, "offer ten per cent"), Message(Role.USER, "hm"))
