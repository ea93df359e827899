"""What a caller means, through the recogniser's mistakes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.intents import Listener, Understanding, is_backchannel
from agent.llm.playbook import Intent
from tests.agent.llm.playbooks import energy_meeting, reuniao_energia

LISTENER = Listener(energy_meeting())


def names(meant: Understanding) -> set[str]:
    return {item.intent.value if item.intent else item.objection for item in meant.found}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Hello?", {"hello"}),
        ("Yes, sure.", {"yes"}),
        ("Yes, I do.", {"yes"}),
        ("Yes, that sounds good.", {"yes"}),
        ("Yes, this is Sam.", {"yes"}),
        ("Thank you, goodbye.", {"goodbye"}),
        ("How much does it cost? That is too expensive.", {"price"}),
        ("We already have a supplier.", {"has_supplier"}),
        ("No, not interested, thank you.", {"not_interested", "thanks"}),
        ("Sorry, wait, who is this?", {"wait", "who_is_this"}),
        ("Hold on a second.", {"wait"}),
        ("uh-huh", {"yes"}),
        ("I don't have time right now", {"busy"}),
        ("Could you please send me an e-mail about that?", {"send_email"}),
        ("You've reached the voicemail of nobody", {"machine"}),
        ("Good morning", {"hello"}),
    ],
)
def test_everyday_answers_are_understood(said: str, meant: set[str]) -> None:
    assert names(LISTENER.understand(said)) == meant


# What the recogniser has made of these phrases through a telephone line.
@pytest.mark.parametrize(
    ("misheard", "meant"),
    [
        ("can you goodbye", Intent.GOODBYE),
        ("i busy right call me back tomorrow at three", Intent.CALLBACK),
        ("take me off your the", Intent.OPT_OUT),
        ("please stop calling a", Intent.OPT_OUT),
        ("yes that how good", Intent.YES),
        ("no i do", Intent.NO),
        ("hold on a at ten", Intent.WAIT),
    ],
)
def test_misheard_words_are_forgiven(misheard: str, meant: Intent) -> None:
    assert LISTENER.understand(misheard).has(meant)


@pytest.mark.parametrize(
    "said",
    [
        "take me off your list please",
        "I want you to remove my number",
        "listen, don't ever call me again",
        "stop calling me all the time",
        "put us on the do not call list",
        "no, unsubscribe me",
        "we do not want any more calls from you people, is that clear",
        "yes yes fine but never call this number again",
    ],
)
def test_opting_out_is_heard_among_other_words(said: str) -> None:
    assert LISTENER.understand(said).has(Intent.OPT_OUT)


@pytest.mark.parametrize(
    "said",
    [
        "call me tomorrow",
        "please call me back later",
        "who is calling",
        "you can call me again on monday",
        "let me check my list",
    ],
)
def test_calling_back_is_no_opting_out(said: str) -> None:
    assert not LISTENER.understand(said).has(Intent.OPT_OUT)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "marmalade",
        "the quick brown fox jumps over the lazy dog",
        "and so my fellow americans ask not what your country",
    ],
)
def test_what_the_playbook_does_not_know_is_not_understood(said: str) -> None:
    assert LISTENER.understand(said).is_empty


def test_the_longer_phrase_explains_its_words() -> None:
    assert not LISTENER.understand("i'm busy right now").has(Intent.YES)  # for all its "right"
    assert LISTENER.understand("see you tomorrow").when is None
    assert LISTENER.understand("one moment please").when is None


def test_times_come_beside_intents() -> None:
    meant = LISTENER.understand("I'm busy right now, call me back tomorrow at three.")
    assert meant.when is not None
    assert meant.when.text == "tomorrow at three"
    assert meant.has(Intent.BUSY)
    assert meant.has(Intent.CALLBACK)


def test_the_same_text_is_understood_once() -> None:
    assert LISTENER.understand("hold on please") is LISTENER.understand("hold on please")


@pytest.mark.parametrize("said", ["uh-huh", "Uh huh.", "okay, right", "mm-hmm", "yeah", "I see.", "sure sure okay"])
def test_signs_of_listening_are_no_turns(said: str) -> None:
    assert is_backchannel(said, energy_meeting())
    assert LISTENER.is_backchannel(said)


@pytest.mark.parametrize("said", ["", "okay stop", "no", "wait", "right right right right right", "yeah but how much"])
def test_anything_more_is_a_turn(said: str) -> None:
    assert not is_backchannel(said, energy_meeting())


def test_a_machine_is_told_from_a_person() -> None:
    greeting = (
        "hi you have reached the corner shop we can't come to the phone right now please leave a message after the tone"
    )
    assert LISTENER.is_machine_greeting(greeting)
    assert not LISTENER.is_machine_greeting("hello who is this")


VOCABULARY = ["yes", "no", "call", "me", "back", "not", "the", "ten", "tomorrow", "at", "wait", "list", "off", "xyzzy"]


@given(st.lists(st.sampled_from(VOCABULARY), max_size=80))
def test_whatever_is_said_is_understood_within_bounds(words: list[str]) -> None:
    meant = LISTENER.understand(" ".join(words))
    assert 0.0 <= meant.coverage <= 1.0
    spans = [range(item.first, item.last) for item in meant.found]
    assert sum(map(len, spans)) == len({index for span in spans for index in span})
    assert all(0.0 < item.score <= 1.0 for item in meant.found)


PORTUGUESE = Listener(reuniao_energia())


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Alô?", {"hello"}),
        ("Tenho sim, pode falar.", {"yes"}),
        ("Sou eu mesma.", {"yes"}),
        ("Não, obrigado.", {"no"}),
        ("Não tenho interesse.", {"not_interested"}),
        ("Quem está falando?", {"who_is_this"}),
        ("Só um minutinho.", {"wait"}),
        ("Já temos fornecedor.", {"has_supplier"}),
        ("Tô dirigindo, me liga depois.", {"busy", "callback"}),
        ("Tchau, obrigada.", {"goodbye"}),
        ("Deixe sua mensagem após o sinal.", {"machine"}),
    ],
)
def test_everyday_answers_in_portuguese_are_understood(said: str, meant: set[str]) -> None:
    assert names(PORTUGUESE.understand(said)) == meant
    assert names(PORTUGUESE.understand(without_accents(said))) == meant, "recognisers leave accents out"


@pytest.mark.parametrize(
    "said",
    [
        "Para de me ligar!",
        "Pare de me ligar, por favor.",
        "Não me ligue mais.",
        "olha moça, não me liga mais não",
        "Me tira dessa lista.",
        "Não quero mais receber ligações.",
        "nunca mais me ligue",
    ],
)
def test_every_way_to_opt_out_in_portuguese_counts(said: str) -> None:
    assert PORTUGUESE.understand(said).has(Intent.OPT_OUT)


@pytest.mark.parametrize("said", ["Pode me ligar amanhã.", "Me liga mais tarde.", "Não posso parar agora.", "Sim."])
def test_who_wants_another_call_in_portuguese_has_not_opted_out(said: str) -> None:
    assert not PORTUGUESE.understand(said).has(Intent.OPT_OUT)


@pytest.mark.parametrize(("said", "nods"), [("aham", True), ("tá", True), ("Sim, tá bom.", True), ("não", False)])
def test_portuguese_words_of_assent(said: str, *, nods: bool) -> None:
    assert PORTUGUESE.is_backchannel(said) is nods


def without_accents(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in plain if not unicodedata.combining(sign))
