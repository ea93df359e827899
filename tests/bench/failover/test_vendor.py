"""What the providers say to a call, and how they die to it: each case's own way, once."""

from typing import Any

import pytest

from bench.failover.case import ANSWERS, KILLED, REFUSES, VICTIMS, Case, draw, vocabulary
from bench.failover.vendor import REFUSED, ROLES, Role, Strike, Vendor
from bench.providers import chat_script, speech_script
from bench.providers.spoken_lines import SpokenLines

SEED = 1
MODEL, NEXT_MODEL, LAST_MODEL = (Role("model", rank) for rank in range(3))


def vendor(role: Role, turns: int = 3, spared: set[int] | None = None) -> Vendor:
    return Vendor(role, SEED, turns, vocabulary(), SpokenLines(), spared or set())


def drawn(victim: str, fault: str, **values: Any) -> Case:
    """Return a case of that kind."""
    for number in range(3_000):
        case = draw(number, SEED)
        if (case.victim, case.fault) == (victim, fault) and all(getattr(case, name) == values[name] for name in values):
            return case
    pytest.fail("no such case")


def said(*texts: str) -> dict[str, Any]:
    return {"messages": [{"role": "assistant", "content": [{"text": text}]} for text in texts]}


def answer(reaction: chat_script.Reaction) -> chat_script.Answer:
    assert isinstance(reaction, chat_script.Answer)
    return reaction


def test_a_model_answers_what_is_next_and_the_last_answer_ends_the_call() -> None:
    key, model = drawn("voice", "cut").key, vendor(MODEL)
    texts = []
    for count in range(len(ANSWERS)):
        reaction = answer(model.think(key, said(*ANSWERS[:count])))
        assert reaction.fault is None
        assert bool(reaction.calls) == (count == len(ANSWERS) - 1)
        texts.append("".join(reaction.pieces))
    assert tuple(texts) == ANSWERS
    assert isinstance(model.think(key, said(*ANSWERS)), chat_script.Refusal)
    assert answer(vendor(MODEL, turns=1).think(draw(1, SEED, 1).key, said())).calls, "of one answer it is the last"


@pytest.mark.parametrize("repeats", [0, 3])
def test_another_model_goes_on_behind_what_was_said(repeats: int) -> None:
    case = drawn("model", "cut", turn=1, repeats=repeats, deaths=1)
    words = ANSWERS[1].split()
    reaction = answer(vendor(NEXT_MODEL).think(case.key, said(ANSWERS[0], " ".join(words[:4]))))
    assert "".join(reaction.pieces).split() == words[4 - repeats :]
    assert reaction.fault is None


def test_models_die_in_the_middle_of_their_turn_once_as_many_as_the_case_wants() -> None:
    case = drawn("model", "garbage", turn=1, deaths=2)
    for role, dies in ((MODEL, True), (NEXT_MODEL, True), (LAST_MODEL, False)):
        model = vendor(role)
        assert answer(model.think(case.key, said())).fault is None, "another turn"
        reaction = answer(model.think(case.key, said(ANSWERS[0])))
        assert (reaction.fault is chat_script.Fault.GARBAGE) == dies
        assert not dies or 0 < reaction.fault_after < len(reaction.pieces)
        assert model.struck(case.key) == Strike(case.number, role.name, "garbage")
        assert model.struck(case.key) is None
        assert answer(model.think(case.key, said(ANSWERS[0]))).fault is None


def test_a_model_that_refuses_does_so_for_its_whole_turn() -> None:
    case = drawn("model", REFUSES, turn=0)
    model = vendor(MODEL)
    for _ in range(2):
        assert model.think(case.key, said()) == chat_script.Refusal(REFUSED)
        model.struck(case.key)
    assert answer(model.think(case.key, said(ANSWERS[0]))).fault is None


@pytest.mark.parametrize("kind", ["voice", "recogniser"])
def test_only_the_first_of_voices_and_recognisers_dies_and_only_as_a_victim(kind: str) -> None:
    def fault(role: Role, case: Case) -> speech_script.Fault | None:
        one = vendor(role)
        reaction = one.speak(case.key) if kind == "voice" else one.hear(case.key)
        assert isinstance(reaction, speech_script.Saying | speech_script.Hearing)
        return reaction.fault

    stalls = drawn(kind, "stall")
    assert fault(Role(kind, 0), stalls) is speech_script.Fault.STALL
    assert fault(Role(kind, 1), stalls) is None
    assert fault(Role(kind, 0), drawn("model", "stall")) is None


@pytest.mark.parametrize("kind", ["voice", "recogniser"])
def test_who_refuses_breaks_first_and_takes_no_connection_after(kind: str) -> None:
    case, one = drawn(kind, REFUSES), vendor(Role(kind, 0))
    connect = one.speak if kind == "voice" else one.hear
    first = connect(case.key)
    assert isinstance(first, speech_script.Saying | speech_script.Hearing)
    assert first.fault is speech_script.Fault.CUT
    assert one.struck(case.key) is not None
    assert connect(case.key) == speech_script.Refusal(REFUSED)


@pytest.mark.parametrize("kind", VICTIMS)
def test_nobody_is_killed_twice_for_one_call(kind: str) -> None:
    case = drawn(kind, KILLED, **({"turn": 0} if kind == "model" else {}))

    def dies(one: Vendor) -> bool:
        reaction: Any
        match kind:
            case "model":
                reaction = one.think(case.key, said())
            case "voice":
                reaction = one.speak(case.key)
            case _:
                reaction = one.hear(case.key)
        return reaction.fault is not None

    assert dies(vendor(Role(kind, 0)))
    assert not dies(vendor(Role(kind, 0), spared={case.number}))


def test_there_are_two_of_each_at_least() -> None:
    assert {role.kind for role in ROLES if role.rank == 1} == set(VICTIMS)
