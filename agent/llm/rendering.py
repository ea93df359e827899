"""From a conversation's messages to what language models take: a system text and turns that alternate. Sans-I/O.

Vendors differ in field names only; what a happening ("the line was silent") is called to a model, how an answer
cut short is shown, and how a second model is told to go on where a first one broke off, is decided here, once.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent.llm.port import EventName, Message, Request, Role, ToolCall
from agent.llm.seam import ALL_SAID

# In square brackets, as the instructions explain, so that they are not taken for the caller's words.
_EVENTS: Final[Mapping[str, str]] = {
    EventName.ANSWERED: "[The call was answered. Greet the person and say who you are.]",
    EventName.SILENCE: "[The caller says nothing. Ask again, shortly, in other words.]",
    EventName.SILENCE_OFFER: "[The caller still says nothing. Ask whether you should call another time.]",
    EventName.SILENCE_END: "[The caller has said nothing all this time. Say goodbye in one sentence.]",
    EventName.NOT_UNDERSTOOD: "[The caller said something that could not be made out. Ask them to say it again.]",
    EventName.SCREENING: "[A call screener asks who calls and why. Tell it in one sentence, and wait for the person.]",
    EventName.MENU: "[A machine offers keys. Press the one for a person, if there is one, and say nothing.]",
    EventName.MESSAGE_BEEP: "[An answering machine waits for your message. Leave it now.]",
    EventName.TIME_UP: "[The time of this call is over. Say goodbye in one sentence.]",
    EventName.HANDED_BACK: "[The caller waits for you now. Go on with the call, in one or two sentences.]",
}
_CUT_SHORT: Final = " [interrupted here]"
# Vendors refuse a call without its result.
_NO_RESULT: Final = "not known: the call was interrupted"
_NO_BRACKETS: Final = str.maketrans("[]", "()")
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Result:
    call: ToolCall
    text: str


@dataclass(frozen=True, slots=True)
class Turn:
    by_agent: bool
    text: str  # may be empty where there are calls or results
    calls: tuple[ToolCall, ...] = ()  # the agent's, behind its text; the next turn has a result for each
    results: tuple[Result, ...] = ()  # the other side's, before its text


def system_text(request: Request) -> str:
    """Return the instructions with their variables filled in; an unknown one stays as it is written."""
    parts = [request.instructions, *(m.text for m in request.messages if m.role is Role.SYSTEM)]
    text = "\n\n".join(part for part in parts if part)
    return _VARIABLE.sub(lambda match: request.variables.get(match[1], match[0]), text)


def turns(request: Request) -> tuple[Turn, ...]:
    """Return what was said and what happened, as turns that alternate and begin and end with the other side.

    A request that offers no tools shows what they came to as words: vendors refuse calls of tools that are not offered.
    """
    found: list[Turn] = []
    for index, message in enumerate(request.messages):
        turn = _turn(message)
        if turn is not None:
            _append(found, turn)
        if message.calls and message.role is Role.ASSISTANT:
            results = tuple(_results(message.calls, request.messages[index + 1 :]))
            if request.tools:
                _append(found, Turn(True, "", calls=message.calls))
                _append(found, Turn(False, "", results=results))
            else:
                _append(found, Turn(False, "\n".join(f"[{r.call.name}: {r.text}]" for r in results)))
    if request.said or request.called:
        if request.said:
            _append(found, Turn(True, request.said))
        _append(found, Turn(False, _go_on(request)))
    if found and found[0].by_agent:
        found.insert(0, Turn(False, "[The call begins.]"))
    if not found or found[-1].by_agent:
        found.append(Turn(False, "[Go on.]"))
    return tuple(found)


def _turn(message: Message) -> Turn | None:
    text = message.text
    if message.role in (Role.SYSTEM, Role.TOOL):
        return None
    if message.role is Role.EVENT:
        text = _EVENTS.get(text, f"[{text}]")
    elif message.role is Role.NOTE:
        text = _note(text)
    elif message.role is Role.ASSISTANT and message.cut_short and text:
        text += _CUT_SHORT
    # Vendors refuse empty messages.
    return Turn(message.role is Role.ASSISTANT, text) if text.strip() else None


def _note(text: str) -> str:
    """Return it in brackets, of which it has none itself: what people said in it cannot end them."""
    return f"[{text.translate(_NO_BRACKETS)}]"


def _append(found: list[Turn], turn: Turn) -> None:
    if found and found[-1].by_agent == turn.by_agent:
        last = found[-1]
        text = "\n".join(part for part in (last.text, turn.text) if part)
        found[-1] = replace(last, text=text, calls=last.calls + turn.calls, results=last.results + turn.results)
    else:
        found.append(turn)


def _results(calls: Sequence[ToolCall], after: Sequence[Message]) -> list[Result]:
    told: dict[str, str] = {}
    for message in after:
        if message.role is not Role.TOOL:
            break
        told.setdefault(message.call_id, message.text)
    return [Result(call, told.get(call.id) or _NO_RESULT) for call in calls]


def _go_on(request: Request) -> str:
    """A message rather than a prefilled answer: not every vendor takes those, and some answer them with a repeat."""
    parts = []
    if request.said:
        parts.append(
            "Your last message broke off in the middle. Its words have been spoken already. Write only what follows "
            "them, from the very next word on; repeat nothing and do not apologise. If nothing is missing, write only "
            f"{ALL_SAID}"
        )
    if request.called:
        names = ", ".join(call.name for call in request.called)
        parts.append(f"These tools were called already; do not call them again: {names}. Say what follows.")
    return f"[{' '.join(parts)}]"
