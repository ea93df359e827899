"""The scripted conversation as a table of moves: state and one happening in, state, sentences and tool calls out.

Sans-I/O and deterministic: `agent.llm.scripted` folds a conversation over it anew for each answer, so nothing is
kept between answers, and a memory cut short by an interruption leads to another state.
"""

from dataclasses import replace
from typing import Final

from agent.llm.intents import Understanding
from agent.llm.moves import Call, Kind, Move, Sentence, Stage, State
from agent.llm.playbook import IfNo, Intent, Playbook
from agent.llm.when import When, join
from events.call import FactKind, Outcome

# A question of which this share was heard counts as asked: people answer before its end.
QUESTION_HEARD_SHARE: Final = 0.6
# Of the first words somebody says, this share has to be about opting out, or about something else that people say.
OPENING_COVERAGE_MIN: Final = 0.6
# Who only nods to a question that wants more is asked again so often.
NODS_MAX: Final = 2


def greet(playbook: Playbook, state: State) -> Move:
    """Answer the pick-up, or the first words after it: whatever was said before was said to, or by, a machine."""
    if state.outcome is Outcome.OPTED_OUT:
        # "Stop calling me", instead of hello.
        return _opt_out(playbook, state)
    opening = playbook.opening
    said = (
        Sentence(opening.greeting),
        Sentence(opening.disclosure, Kind.DISCLOSURE),
        Sentence(playbook.steps[0].ask, Kind.QUESTION),
    )
    return Move(State(stage=Stage.ASKING), said)


def meet_silence(playbook: Playbook, state: State) -> Move:
    """Answer the caller's silence after something was asked."""
    match state.stage:
        case Stage.START:
            return greet(playbook, state)
        case Stage.MACHINE:
            return leave_message(playbook, state)
        case Stage.CLOSED:
            return _once_more(playbook, state) or _last_word(playbook, state)
        case _:
            prompts = playbook.silence.prompts
            if state.silences >= len(prompts):
                return _close(state, Outcome.NO_RESPONSE, Sentence(playbook.silence.goodbye))
            said = Sentence(prompts[state.silences])
            return Move(replace(state, silences=state.silences + 1, paused=True), (said,))


def meet_noise(playbook: Playbook, state: State) -> Move:
    """Answer speech that could not be made out."""
    state = replace(state, silences=0)
    prompts = playbook.not_understood.prompts
    match state.stage:
        case Stage.START:
            return greet(playbook, state)
        case Stage.MACHINE:
            return Move(state)
        case Stage.CLOSED:
            return _once_more(playbook, state) or _last_word(playbook, state)
        case Stage.OFFER:
            return _give_up(playbook, state)
        case _ if state.misses < len(prompts):
            sorry = Sentence(prompts[state.misses])
            return _ask_again(playbook, replace(state, misses=state.misses + 1), sorry)
        case Stage.CALLBACK:
            return _close_callback(playbook, state, None)
        case _:
            offer = Sentence(playbook.not_understood.offer, Kind.QUESTION)
            return Move(replace(state, stage=Stage.OFFER), (offer,))


def introduce(playbook: Playbook) -> Move:
    """Answer a call screener: who calls, and nothing that wants an answer. The conversation has not begun."""
    return Move(State(), (Sentence(playbook.opening.who),))


def press(key: str) -> Move:
    """Answer a menu: with the key for a person, and without a word."""
    return Move(State(), calls=(Call("press_keys", {"keys": key}),))


def leave_message(playbook: Playbook, state: State) -> Move:
    """Answer the beep of a machine."""
    if state.stage is Stage.CLOSED:
        return _last_word(playbook, state)
    return _close(state, Outcome.MESSAGE_LEFT, Sentence(playbook.voicemail.message))


def run_out_of_time(playbook: Playbook, state: State) -> Move:
    """Say goodbye because the call must end; what was reached before stays reached."""
    outcome = state.outcome or Outcome.TIME_LIMIT
    return _close(state, outcome, Sentence(playbook.goodbye.time_up))


def take_up(playbook: Playbook, state: State) -> Move:
    """Go on after a person had the word, of whose words the script understands nothing, or after a hold."""
    match state.stage:
        case Stage.START | Stage.MACHINE:
            return greet(playbook, state)
        case Stage.CLOSED:
            return _last_word(playbook, state)
        case _:
            return _ask_again(playbook, replace(state, silences=0), Sentence(playbook.wait.back))


def answer(playbook: Playbook, state: State, meant: Understanding, *, attentive: bool) -> Move:
    """Answer what the caller said. `attentive`: nothing but "uh-huh" or the like."""
    state = replace(state, silences=0)
    # What comes first may be a machine's, and "thank you for calling" sounds like much else.
    if meant.has(Intent.OPT_OUT) and (state.stage is not Stage.START or meant.coverage >= OPENING_COVERAGE_MIN):
        return _opt_out(playbook, state)
    if state.stage is Stage.CLOSED:
        return _after_goodbye(playbook, state, meant)
    if meant.has(Intent.MACHINE) and state.step == 0 and state.stage in (Stage.START, Stage.ASKING, Stage.MACHINE):
        return Move(replace(state, stage=Stage.MACHINE))
    if state.stage is Stage.START:
        return greet(playbook, state)
    if state.stage is Stage.MACHINE:
        # Whoever speaks now either goes on reading the greeting or is a person after all.
        known = meant.has(Intent.HELLO, Intent.YES, Intent.WHO_IS_THIS)
        return greet(playbook, state) if known else Move(state)
    if meant.is_empty:
        if attentive and state.nods < NODS_MAX:
            return _ask_again(playbook, replace(state, nods=state.nods + 1))
        return meet_noise(playbook, state)
    return _converse(playbook, replace(state, misses=0), meant)


def _opt_out(playbook: Playbook, state: State) -> Move:
    fact = _note(FactKind.OPTED_OUT)
    return _close(state, Outcome.OPTED_OUT, Sentence(playbook.opt_out.confirm, Kind.CONFIRMATION), facts=(fact,))


def hear(move: Move, meant: tuple[str, ...], heard_words: int) -> State:
    """Return the state after `heard_words` words of the move's sentences (filled in: `meant`) were heard."""
    state = move.state
    end = 0
    for sentence, text in zip(move.sentences, meant, strict=True):
        words = len(text.split())
        share = (heard_words - end) / words if words else 1.0
        end += words
        match sentence.kind:
            case Kind.DISCLOSURE:
                state = replace(state, disclosed=state.disclosed or share >= 1.0)
            case Kind.QUESTION:
                state = replace(state, question_heard=share >= QUESTION_HEARD_SHARE)
            case Kind.CONFIRMATION:
                state = replace(state, confirmed=share >= QUESTION_HEARD_SHARE)
            case Kind.PLAIN:
                pass
    return state


def _converse(playbook: Playbook, state: State, meant: Understanding) -> Move:
    """Answer something that was understood, while a question is open. The order is the order of weight."""
    when = (
        meant.when if meant.when is not None and (not meant.when.bare_hour or _time_is_asked(playbook, state)) else None
    )
    if state.stage is Stage.OFFER:
        return _take_offer(playbook, state, meant, when)
    # "Hold on, this is a bad time" asks for a moment; with a time, or "call me back", it asks for more.
    busy = meant.has(Intent.BUSY) and not meant.objection and (when is not None or not meant.has(Intent.WAIT))
    if busy or meant.has(Intent.CALLBACK):
        return _close_callback(playbook, state, when) if when else _ask_callback(playbook, state)
    if meant.has(Intent.WHO_IS_THIS):
        return _ask_again(playbook, state, Sentence(playbook.opening.who))
    if meant.objection:
        return _meet_objection(playbook, state, meant.objection)
    if meant.has(Intent.NOT_INTERESTED):
        return _meet_refusal(playbook, state)
    # "Let me see… tomorrow at ten" has waited long enough; an hour alone may be made of "a second".
    found = when is not None and when.has_day and _time_is_asked(playbook, state)
    if meant.has(Intent.WAIT) and not found:
        return Move(replace(state, paused=True), (Sentence(playbook.wait.answer),))
    if when is not None:
        return _take_when(playbook, state, meant, when)
    if meant.has(Intent.REPEAT) and not meant.has(Intent.YES, Intent.NO):
        return _ask_again(playbook, state)
    if meant.has(Intent.GOODBYE):
        return _close(state, Outcome.NOT_INTERESTED, Sentence(playbook.goodbye.by_caller))
    if state.paused and meant.has(Intent.YES, Intent.HELLO, Intent.RESUME, Intent.THANKS):
        return _ask_again(playbook, state, Sentence(playbook.wait.back))
    said = [item.intent for item in meant.found if item.intent in (Intent.YES, Intent.NO)]
    if said:
        return _take_answer(playbook, state, yes=said[-1] is Intent.YES)
    if meant.has(Intent.HELLO) and state.disclosed:
        return _ask_again(playbook, state, Sentence(playbook.opening.again))
    return _ask_again(playbook, state)


def _time_is_asked(playbook: Playbook, state: State) -> bool:
    return state.stage is Stage.CALLBACK or bool(playbook.steps[state.step].slot)


def _take_answer(playbook: Playbook, state: State, *, yes: bool) -> Move:
    """Take a plain yes or no to the open question."""
    if not state.question_heard and not state.reasked:
        # It answers something else: the question was talked over.
        return _ask_again(playbook, replace(state, reasked=True))
    if state.stage is Stage.CALLBACK:
        if not yes:
            return _close(state, Outcome.NOT_INTERESTED, Sentence(playbook.refusal.goodbye))
        if state.when_asked:
            return _close_callback(playbook, state, None)
        return _ask_again(playbook, replace(state, when_asked=1))
    step = playbook.steps[state.step]
    if yes and step.slot:
        if state.nods >= NODS_MAX:
            return _ask_callback(playbook, state)  # they are not listening, or cannot say it now
        return _ask_again(playbook, replace(state, nods=state.nods + 1))
    if yes:
        facts = (_note(FactKind.NOTE, step.note),) if step.note else ()
        return _next_step(playbook, state, facts)
    match step.if_no:
        case IfNo.NEXT if not step.slot:
            return _next_step(playbook, state, ())
        case IfNo.REFUSAL:
            return _meet_refusal(playbook, state)
        case _:
            return _ask_callback(playbook, state)


def _take_when(playbook: Playbook, state: State, meant: Understanding, when: When) -> Move:
    """Take a time: for the meeting where it is near, for a call-back before."""
    last = len(playbook.steps) - 1
    whole = join(state.when, when)
    if state.stage is Stage.CALLBACK:
        return _close_callback(playbook, state, whole)
    if state.step < last - 1 and not meant.has(Intent.YES):
        return _close_callback(playbook, state, whole)
    if state.step < last - 1:
        return _take_answer(playbook, state, yes=True)
    state = replace(state, step=last, when=whole)
    if not whole.is_complete and not state.when_asked:
        question = playbook.when.ask_time if whole.has_day else playbook.when.ask_day
        asked = replace(state, when_asked=1, paused=False, reasked=False)
        return Move(asked, (Sentence(question, Kind.QUESTION),))
    return _book(playbook, state, whole)


def _book(playbook: Playbook, state: State, when: When) -> Move:
    confirm = Sentence(playbook.goal.confirm, Kind.CONFIRMATION, when.text)
    fact = _note(FactKind.MEETING_BOOKED, when=when.text)
    return _close(state, Outcome.GOAL_REACHED, confirm, Sentence(playbook.goal.goodbye), facts=(fact,))


def _take_offer(playbook: Playbook, state: State, meant: Understanding, when: When | None) -> Move:
    refused = meant.has(Intent.NOT_INTERESTED, Intent.GOODBYE, Intent.NO)
    if refused and when is None and not meant.has(Intent.YES, Intent.CALLBACK):
        return _close(state, Outcome.NOT_INTERESTED, Sentence(playbook.refusal.goodbye))
    return _close_callback(playbook, state, when)


def _meet_objection(playbook: Playbook, state: State, name: str) -> Move:
    fact = _note(FactKind.OBJECTION, name)
    if state.pushbacks >= playbook.refusal.objections_max:
        return _close(state, Outcome.NOT_INTERESTED, Sentence(playbook.refusal.goodbye), facts=(fact,))
    reply = next(objection.answer for objection in playbook.objections if objection.name == name)
    state = replace(state, pushbacks=state.pushbacks + 1)
    return _ask_again(playbook, state, Sentence(reply), facts=(fact,))


def _meet_refusal(playbook: Playbook, state: State) -> Move:
    fact = _note(FactKind.OBJECTION, "no_interest")
    decided = state.refusals or state.pushbacks >= playbook.refusal.objections_max or state.stage is Stage.CALLBACK
    if decided:
        return _close(state, Outcome.NOT_INTERESTED, Sentence(playbook.refusal.goodbye), facts=(fact,))
    state = replace(state, refusals=1, pushbacks=state.pushbacks + 1)
    return _ask_again(playbook, state, Sentence(playbook.refusal.answer), facts=(fact,))


def _next_step(playbook: Playbook, state: State, facts: tuple[Call, ...]) -> Move:
    at = min(state.step + 1, len(playbook.steps) - 1)
    step = playbook.steps[at]
    lead = (Sentence(step.say),) if step.say else ()
    state = replace(state, step=at, paused=False, reasked=False, question_heard=True, nods=0)
    return Move(state, (*_disclosure(playbook, state), *lead, Sentence(step.ask, Kind.QUESTION)), facts)


def _ask_callback(playbook: Playbook, state: State) -> Move:
    if state.stage is Stage.CALLBACK:
        if state.when_asked:
            return _close_callback(playbook, state, None)
        return _ask_again(playbook, replace(state, when_asked=1))
    asked = replace(state, stage=Stage.CALLBACK, when=None, when_asked=0, paused=False, reasked=False)
    return Move(asked, (Sentence(playbook.callback.offer, Kind.QUESTION),))


def _ask_again(playbook: Playbook, state: State, *before: Sentence, facts: tuple[Call, ...] = ()) -> Move:
    """Ask the open question in its short form, after what is said before it."""
    match state.stage:
        case Stage.CALLBACK:
            question = playbook.callback.offer_again
        case Stage.OFFER:
            question = playbook.not_understood.offer
        case _ if state.when is not None and state.when_asked:
            question = playbook.when.ask_time if state.when.has_day else playbook.when.ask_day
        case _:
            question = playbook.steps[state.step].ask_again
    asked = (*before, *_disclosure(playbook, state, before), Sentence(question, Kind.QUESTION))
    return Move(replace(state, paused=False), asked, facts)


def _disclosure(playbook: Playbook, state: State, before: tuple[Sentence, ...] = ()) -> tuple[Sentence, ...]:
    """What must be said until it was heard; who is speaking belongs to it."""
    if state.disclosed:
        return ()
    disclosure = Sentence(playbook.opening.disclosure, Kind.DISCLOSURE)
    if any(sentence.text == playbook.opening.who for sentence in before):
        return (disclosure,)
    return (Sentence(playbook.opening.greeting), disclosure)


def _close_callback(playbook: Playbook, state: State, when: When | None) -> Move:
    text = when.text if when else ""
    confirm = Sentence(playbook.callback.confirm if when else playbook.callback.confirm_open, Kind.CONFIRMATION, text)
    fact = _note(FactKind.CALLBACK_REQUESTED, when=text)
    return _close(state, Outcome.CALLBACK_REQUESTED, confirm, Sentence(playbook.callback.goodbye), facts=(fact,))


def _give_up(playbook: Playbook, state: State) -> Move:
    fact = _note(FactKind.CALLBACK_REQUESTED, "could not be understood")
    return _close(state, Outcome.CALLBACK_REQUESTED, Sentence(playbook.not_understood.goodbye), facts=(fact,))


def _after_goodbye(playbook: Playbook, state: State, meant: Understanding) -> Move:
    """Answer what is said after the goodbye: usually another goodbye, sometimes another time."""
    leaving = meant.has(Intent.GOODBYE, Intent.THANKS)
    booked = state.outcome is Outcome.GOAL_REACHED
    if booked and meant.when is not None and not leaving:
        return _book(playbook, state, join(state.when, meant.when))
    return (None if leaving else _once_more(playbook, state)) or _last_word(playbook, state)


def _once_more(playbook: Playbook, state: State) -> Move | None:
    """Say again for when the meeting is, if they were not heard to hear it; None when there is nothing to say again."""
    if state.outcome is Outcome.GOAL_REACHED and not state.confirmed and state.when is not None:
        return _book(playbook, state, state.when)
    return None


def _last_word(playbook: Playbook, state: State) -> Move:
    return _close(state, state.outcome or Outcome.NOT_INTERESTED, Sentence(playbook.goodbye.last_word))


def _close(state: State, outcome: Outcome, *said: Sentence, facts: tuple[Call, ...] = ()) -> Move:
    end = Call("end_call", {"outcome": outcome.value})
    return Move(replace(state, stage=Stage.CLOSED, outcome=outcome), said, (*facts, end))


def _note(kind: FactKind, text: str = "", when: str = "") -> Call:
    return Call("note_fact", {"kind": kind.value, "text": text, "when": when})
