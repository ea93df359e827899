"""Every move of the scripted dialogue, from every state."""

from dataclasses import replace
from itertools import product

import pytest

from agent.llm import dialogue
from agent.llm.intents import Listener
from agent.llm.moves import Kind, Move, Stage, State
from agent.llm.playbook import IfNo
from events.call import Outcome
from tests.agent.llm.playbooks import energy_meeting

PLAYBOOK = energy_meeting()
LISTENER = Listener(PLAYBOOK)
GOAL = len(PLAYBOOK.steps) - 1
TALKING = State(stage=Stage.ASKING, disclosed=True)

SAID = [
    "hello", "yes", "no", "not interested", "take me off your list", "i'm busy", "call me back", "who is this",
    "pardon", "wait", "i'm back", "thank you", "goodbye", "please leave a message after the tone", "tomorrow at ten",
    "tomorrow", "ten", "at ten", "how much does it cost", "marmalade", "uh-huh", "yes tomorrow at ten", "ah",
]  # fmt: skip


def answer(state: State, said: str) -> Move:
    return dialogue.answer(PLAYBOOK, state, LISTENER.understand(said), attentive=LISTENER.is_backchannel(said))


def outcome(move: Move) -> str:
    return next((call.arguments["outcome"] for call in move.calls if call.name == "end_call"), "")


def facts(move: Move) -> list[tuple[str, str, str]]:
    return [
        (call.arguments["kind"], call.arguments["text"], call.arguments["when"])
        for call in move.calls
        if call.name == "note_fact"
    ]


def texts(move: Move) -> list[str]:
    return [sentence.text for sentence in move.sentences]


STATES = [State()] + [
    State(stage=stage, step=step, disclosed=disclosed, paused=paused, misses=misses, outcome=outcome_then)
    for stage, step, disclosed, paused, misses in product(
        [Stage.ASKING, Stage.CALLBACK, Stage.OFFER, Stage.MACHINE, Stage.CLOSED], [0, GOAL - 1, GOAL], [True, False],
        [True, False], [0, 2],
    )
    for outcome_then in ([Outcome.GOAL_REACHED] if stage is Stage.CLOSED else [None])
]  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_every_state_answers_everything(said: str) -> None:
    """A move speaks, ends, or waits for a machine; an end has its outcome, and only an end closes."""
    for state in STATES:
        move = answer(state, said)
        waits = move.state.stage is Stage.MACHINE
        assert move.sentences or waits
        assert (move.state.stage is Stage.CLOSED) == bool(outcome(move))
        if outcome(move):
            assert move.calls[-1].name == "end_call"
            assert move.state.outcome == outcome(move)
        elif not waits and not move.state.paused:
            assert any(sentence.kind is Kind.QUESTION for sentence in move.sentences)


@pytest.mark.parametrize("said", ["uh-huh", "yes"])
@pytest.mark.parametrize("step", range(GOAL + 1))
def test_who_only_nods_is_not_asked_the_same_for_ever(said: str, step: int) -> None:
    state = replace(TALKING, step=step)
    asked: list[tuple[str, ...]] = []
    while state.stage is not Stage.CLOSED:
        move = answer(state, said)
        state = move.state
        asked.append(tuple(texts(move)))
        assert asked.count(asked[-1]) <= dialogue.NODS_MAX
        assert len(asked) <= 4 * (GOAL + 1)
    assert state.outcome in (Outcome.CALLBACK_REQUESTED, Outcome.GOAL_REACHED)


def test_happenings_end_every_conversation() -> None:
    for state in STATES:
        for happening in (dialogue.meet_silence, dialogue.meet_noise):
            moves = 0
            now = state
            while now.stage is not Stage.CLOSED:
                moves += 1
                now = replace(happening(PLAYBOOK, now).state, question_heard=True)
                if now.stage is Stage.MACHINE:
                    now = dialogue.meet_silence(PLAYBOOK, now).state
                assert moves < 8


def test_time_up_says_goodbye_and_keeps_what_was_reached() -> None:
    assert outcome(dialogue.run_out_of_time(PLAYBOOK, TALKING)) == Outcome.TIME_LIMIT
    booked = replace(TALKING, stage=Stage.CLOSED, outcome=Outcome.GOAL_REACHED)
    assert outcome(dialogue.run_out_of_time(PLAYBOOK, booked)) == Outcome.GOAL_REACHED


def test_a_beep_gets_the_message_once() -> None:
    move = dialogue.leave_message(PLAYBOOK, TALKING)
    assert texts(move) == [PLAYBOOK.voicemail.message]
    assert outcome(move) == Outcome.MESSAGE_LEFT
    assert texts(dialogue.leave_message(PLAYBOOK, move.state)) == [PLAYBOOK.goodbye.last_word]


def test_a_yes_goes_on_and_notes_what_it_means() -> None:
    move = answer(replace(TALKING, step=1), "yes I do")
    assert move.state.step == 2
    assert facts(move) == [("note", "looks after the electricity bills", "")]


def test_the_last_question_is_not_answered_by_yes() -> None:
    move = answer(replace(TALKING, step=GOAL), "yes")
    assert texts(move) == [PLAYBOOK.steps[GOAL].ask_again]


def test_a_time_given_early_is_taken() -> None:
    move = answer(replace(TALKING, step=GOAL - 1), "yes tomorrow at ten")
    assert facts(move) == [("meeting_booked", "", "tomorrow at ten")]
    assert outcome(move) == Outcome.GOAL_REACHED


def test_half_a_time_is_completed_once() -> None:
    day = answer(replace(TALKING, step=GOAL), "tomorrow")
    assert texts(day) == [PLAYBOOK.when.ask_time]
    assert texts(answer(day.state, "pardon")) == [PLAYBOOK.when.ask_time]
    assert facts(answer(day.state, "ten")) == [("meeting_booked", "", "tomorrow at ten")]
    assert facts(answer(day.state, "monday")) == [("meeting_booked", "", "Monday")]
    clock = answer(replace(TALKING, step=GOAL), "at ten")
    assert texts(clock) == [PLAYBOOK.when.ask_day]


def test_a_time_before_the_offer_is_a_call_back() -> None:
    assert facts(answer(TALKING, "tomorrow at ten")) == [("callback_requested", "", "tomorrow at ten")]
    assert answer(TALKING, "yes I can until ten o'clock").state.step in (0, 1)


def test_objections_are_answered_twice() -> None:
    state = replace(TALKING, step=GOAL - 1)
    first = answer(state, "how much does it cost")
    assert facts(first) == [("objection", "price", "")]
    assert texts(first)[-1] == PLAYBOOK.steps[GOAL - 1].ask_again
    second = answer(first.state, "we already have a supplier")
    assert not outcome(second)
    third = answer(second.state, "not interested")
    assert facts(third) == [("objection", "no_interest", "")]
    assert outcome(third) == Outcome.NOT_INTERESTED
    assert outcome(answer(second.state, "that's too expensive")) == Outcome.NOT_INTERESTED


def test_two_refusals_end_politely() -> None:
    first = answer(replace(TALKING, step=GOAL - 1), "no thank you")
    assert texts(first) == [PLAYBOOK.refusal.answer, PLAYBOOK.steps[GOAL - 1].ask_again]
    assert outcome(answer(first.state, "no")) == Outcome.NOT_INTERESTED


def test_no_to_the_first_question_offers_to_call_again() -> None:
    offered = answer(TALKING, "no")
    assert texts(offered) == [PLAYBOOK.callback.offer]
    assert outcome(answer(offered.state, "no")) == Outcome.NOT_INTERESTED
    again = answer(offered.state, "yes")
    assert texts(again) == [PLAYBOOK.callback.offer_again]
    assert facts(answer(again.state, "yes")) == [("callback_requested", "", "")]
    assert facts(answer(again.state, "in an hour")) == [("callback_requested", "", "in an hour")]
    insisting = answer(again.state, "just call me back")
    assert outcome(insisting) == Outcome.CALLBACK_REQUESTED


def test_no_may_go_on() -> None:
    import msgspec

    steps = (msgspec.structs.replace(PLAYBOOK.steps[0], if_no=IfNo.NEXT), *PLAYBOOK.steps[1:])
    playbook = msgspec.structs.replace(PLAYBOOK, steps=steps)
    move = dialogue.answer(playbook, TALKING, LISTENER.understand("no"), attentive=False)
    assert move.state.step == 1


def test_a_question_talked_over_is_asked_again_once() -> None:
    over = replace(TALKING, step=1, question_heard=False)
    again = answer(over, "yes")
    assert texts(again) == [PLAYBOOK.steps[1].ask_again]
    assert answer(replace(again.state, question_heard=False), "yes").state.step == 2


def test_disclosure_is_said_until_heard() -> None:
    undisclosed = State(stage=Stage.ASKING)
    for said in ("yes", "who is this", "hello", "pardon", "how much does it cost"):
        kinds = [sentence.kind for sentence in answer(undisclosed, said).sentences]
        assert kinds.count(Kind.DISCLOSURE) == 1, said
    assert texts(answer(undisclosed, "who is this")).count(PLAYBOOK.opening.greeting) == 0


def test_who_is_calling_is_told_and_the_question_asked_again() -> None:
    assert texts(answer(TALKING, "who is this")) == [PLAYBOOK.opening.who, PLAYBOOK.steps[0].ask_again]
    assert texts(answer(TALKING, "hello"))[0] == PLAYBOOK.opening.again


def test_who_thinks_aloud_and_says_a_time_has_answered() -> None:
    asked = replace(TALKING, step=len(PLAYBOOK.steps) - 1)
    assert answer(asked, "let me see tomorrow at ten").state.outcome is Outcome.GOAL_REACHED
    assert texts(answer(asked, "let me see")) == [PLAYBOOK.wait.answer]
    assert texts(answer(asked, "hold on a at ten")) == [PLAYBOOK.wait.answer]


def test_waiting_waits() -> None:
    waiting = answer(replace(TALKING, step=1), "hold on a second")
    assert texts(waiting) == [PLAYBOOK.wait.answer]
    back = answer(waiting.state, "yes")
    assert texts(back) == [PLAYBOOK.wait.back, PLAYBOOK.steps[1].ask_again]
    assert answer(back.state, "yes").state.step == 2


def test_a_moment_is_asked_for_unless_a_call_back_is() -> None:
    assert texts(answer(TALKING, "hold on this is a bad time")) == [PLAYBOOK.wait.answer]
    assert texts(answer(TALKING, "wait i'm busy call me back")) == [PLAYBOOK.callback.offer]
    assert outcome(answer(TALKING, "wait i'm busy tomorrow at ten")) == Outcome.CALLBACK_REQUESTED


def test_a_yes_to_are_you_there_answers_no_question() -> None:
    asked = dialogue.meet_silence(PLAYBOOK, TALKING)
    assert answer(asked.state, "yes").state.step == 0


def test_opting_out_is_confirmed_and_noted_from_anywhere() -> None:
    for state in STATES:
        move = answer(state, "stop calling me")
        assert facts(move) == [("opted_out", "", "")]
        assert outcome(move) == Outcome.OPTED_OUT


def test_a_machine_is_waited_for_and_a_person_after_it_greeted() -> None:
    machine = answer(replace(TALKING, step=0), "please leave a message after the tone")
    assert machine.sentences == ()
    assert answer(machine.state, "marmalade").sentences == ()
    assert texts(answer(machine.state, "hello"))[0] == PLAYBOOK.opening.greeting
    assert outcome(dialogue.meet_silence(PLAYBOOK, machine.state)) == Outcome.MESSAGE_LEFT


def test_after_the_goodbye_another_time_is_still_taken() -> None:
    booked = answer(replace(TALKING, step=GOAL), "tomorrow at ten").state
    assert facts(answer(booked, "no sorry at eleven")) == [("meeting_booked", "", "tomorrow at eleven")]
    assert texts(answer(booked, "thank you goodbye")) == [PLAYBOOK.goodbye.last_word]
    unheard = replace(booked, confirmed=False)
    assert texts(answer(unheard, "uh-huh"))[0] == PLAYBOOK.goal.confirm
    assert texts(dialogue.meet_noise(PLAYBOOK, unheard))[0] == PLAYBOOK.goal.confirm
    assert texts(dialogue.meet_silence(PLAYBOOK, unheard))[0] == PLAYBOOK.goal.confirm
    assert texts(dialogue.meet_noise(PLAYBOOK, booked)) == [PLAYBOOK.goodbye.last_word]


def test_nothing_understood_ends_in_a_call_back() -> None:
    now = TALKING
    said = []
    for _ in range(4):
        move = dialogue.meet_noise(PLAYBOOK, now)
        said += texts(move)
        now = move.state
    assert PLAYBOOK.not_understood.offer in said
    assert now.outcome is Outcome.CALLBACK_REQUESTED
    offered = replace(TALKING, stage=Stage.OFFER)
    assert outcome(answer(offered, "no thanks")) == Outcome.NOT_INTERESTED
    assert facts(answer(offered, "yes tomorrow")) == [("callback_requested", "", "tomorrow")]


def test_what_was_heard_of_a_reply() -> None:
    move = dialogue.greet(PLAYBOOK, State())
    meant = ("one two three", "four five", "six seven eight nine ten")
    assert not dialogue.hear(move, meant, 4).disclosed
    assert dialogue.hear(move, meant, 5).disclosed
    assert not dialogue.hear(move, meant, 7).question_heard
    assert dialogue.hear(move, meant, 8).question_heard
