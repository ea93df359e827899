"""The scripted model: a playbook that holds a conversation without any language model.

It keeps nothing between answers: the state is worked out anew from the messages each time, so that the memory of
a conversation is in one place, and an interruption that cuts that memory cuts the state with it.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from agent.llm import dialogue, wording
from agent.llm.call_notes import WRITE_NOTES, script_notes
from agent.llm.intents import Listener
from agent.llm.moves import Move, State
from agent.llm.playbook import Playbook
from agent.llm.port import Delta, EventName, Message, Request, Role, Text, ToolCall

# After these the reply counts as given even if nobody heard it: saying it twice would be worse.
_FINAL_EVENTS: Final = frozenset({EventName.MESSAGE_BEEP, EventName.TIME_UP})

OPERATOR_KEY: Final = "0"  # of most menus, also of those that do not say so; at a wrong key they begin anew


class ScriptedModel:
    """Implements `agent.llm.port.Model`; immutable, so one may serve many calls."""

    def __init__(self, playbook: Playbook, key_in_menu: Callable[[str], str] = lambda _: "") -> None:
        """`key_in_menu` finds the key for a person in what a menu said; empty: none was made out."""
        self._playbook = playbook
        self._key_in_menu = key_in_menu
        self._listener = Listener(playbook)

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Stream the playbook's answer; nothing at all while an answering machine is greeting.

        Nothing either when another model broke off in this answer, or waits for what its tools came to: what it has
        said stands, for the script knows no words that would follow it.
        """
        if request.must_call == WRITE_NOTES:
            yield ToolCall("notes", WRITE_NOTES, script_notes(request, self._playbook.language))
            return
        if request.must_call:
            return  # a question of a later release, or one for which the script has no words
        if request.said or request.called or (request.messages and request.messages[-1].role is Role.TOOL):
            return
        move = self._last_move(request)
        sentences = " ".join(_filled(move, request.variables))
        for word in sentences.split():
            yield Text(f"{word} ")
        for number, call in enumerate(move.calls):
            yield ToolCall(f"{call.name}-{len(request.messages)}-{number}", call.name, call.arguments)

    def _last_move(self, request: Request) -> Move:
        state = State()
        turn: _Turn | None = None
        for message in request.messages:
            if message.role is Role.ASSISTANT and turn is not None:
                if message.text or not message.calls:  # else another model's tool calls, which nobody heard
                    turn.heard.append(message)
            elif message.role in (Role.USER, Role.EVENT):
                role: Role = message.role
                text, again = message.text, False
                if turn is not None and _lost_to_noise(turn, message):
                    role, text, again = turn.role, turn.text, True
                elif turn is not None:
                    state, text = _settle(turn, message, request.variables)
                said = turn.text if turn is not None and turn.role is Role.USER else ""
                turn = _Turn(role, text, state, self._move(state, role, text, said), again)
        return turn.move if turn is not None and not turn.heard else Move(state)

    def _move(self, state: State, role: Role, text: str, said: str) -> Move:
        """`said`: before a happening, by the caller."""
        if role is Role.USER:
            meant = self._listener.understand(text)
            return dialogue.answer(self._playbook, state, meant, attentive=self._listener.is_backchannel(text))
        match text:
            case EventName.ANSWERED:
                return dialogue.greet(self._playbook, state)
            case EventName.SILENCE | EventName.SILENCE_OFFER | EventName.SILENCE_END:
                return dialogue.meet_silence(self._playbook, state)
            case EventName.NOT_UNDERSTOOD:
                return dialogue.meet_noise(self._playbook, state)
            case EventName.SCREENING:
                return dialogue.introduce(self._playbook)
            case EventName.MENU:
                return dialogue.press(self._key_in_menu(said) or OPERATOR_KEY)
            case EventName.MESSAGE_BEEP:
                return dialogue.leave_message(self._playbook, state)
            case EventName.TIME_UP:
                return dialogue.run_out_of_time(self._playbook, state)
            case EventName.HANDED_BACK:
                return dialogue.take_up(self._playbook, state)
            case _:
                # A happening of a later release: nothing to say about it.
                return Move(state)


@dataclass(slots=True)
class _Turn:
    """Something that happened, what it led to, and what was heard of that."""

    role: Role
    text: str
    before: State
    move: Move
    again: bool = False  # it is answered a second time
    heard: list[Message] = field(default_factory=list)


def _lost_to_noise(turn: _Turn, then: Message) -> bool:
    """True when something that cannot be made out kept the answer from being heard: it is given once more."""
    unheard = bool(turn.move.sentences) and not any(message.text for message in turn.heard)
    return unheard and turn.role is Role.USER and then.text == EventName.NOT_UNDERSTOOD and not turn.again


def _settle(turn: _Turn, then: Message, variables: Mapping[str, str]) -> tuple[State, str]:
    """Return the state in which `then` meets the conversation, and its text.

    An answer of which nothing was heard has not been given: two utterances without a word between them are one,
    and a happening that was not answered in time is as if it had not been.
    """
    meant = _filled(turn.move, variables)
    heard_words = sum(len(message.text.split()) for message in turn.heard)
    if turn.heard and not any(message.cut_short for message in turn.heard):
        heard_words = sum(len(text.split()) for text in meant)
    unheard = bool(meant) and heard_words == 0
    if unheard and then.role is Role.USER and turn.role is Role.USER:
        return turn.before, f"{turn.text} {then.text}"
    if unheard and then.role is Role.USER and turn.text not in _FINAL_EVENTS:
        return turn.before, then.text
    return dialogue.hear(turn.move, meant, heard_words), then.text


def _filled(move: Move, variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(wording.fill_in(sentence.text, {**variables, "when": sentence.when}) for sentence in move.sentences)
