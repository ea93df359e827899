"""What the model is told of the conversation: only what was said and heard. Sans-I/O.

What the caller says is held back as unanswered until the first of the answer to it is heard; an answer thrown away
before that leaves no trace, and the next one answers both utterances at once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from agent.llm.port import EventName, Message, Role, ToolCall

UNDER_WAY: Final = "under way: there is no result yet"


class Memory:
    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._unanswered = ""
        self._asked = 0  # messages that belong to the answer being made
        self._notes: list[str] = []  # for the next answer
        self._noted = 0  # of those, before the answer being made
        self.owes_result = False  # something was done for the caller that no answer has told them of yet

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    @property
    def unanswered(self) -> str:
        return self._unanswered

    @property
    def agent_has_spoken(self) -> bool:
        return any(message.role is Role.ASSISTANT and not message.calls for message in self._messages)

    @property
    def answers_heard(self) -> int:
        """How many answers were heard to their end."""
        return sum(
            message.role is Role.ASSISTANT and not message.calls and not message.cut_short for message in self._messages
        )

    @property
    def answers_begun(self) -> int:
        """Of how many answers at least a word was heard."""
        return sum(message.role is Role.ASSISTANT and bool(message.text) for message in self._messages)

    def caller_said(self, text: str) -> None:
        self._unanswered = f"{self._unanswered} {text}".strip()

    def note(self, text: str) -> None:
        """Have the model told with its next answer, and from then on, what nobody on the line says to it."""
        self._notes.append(text)

    def take_unanswered(self) -> str:
        """Somebody else answers what the caller said: return it."""
        text, self._unanswered = self._unanswered, ""
        return text

    def ask(self, event: EventName | None) -> None:
        """Put what waits for an answer before the model."""
        before = len(self._messages)
        self._messages += self._pending_notes()
        self._noted = len(self._notes)
        if self._unanswered:
            self._messages.append(Message(Role.USER, self._unanswered))
        if event is not None:
            self._messages.append(Message(Role.EVENT, event))
        self._asked = len(self._messages) - before

    def supposing(self, text: str) -> tuple[Message, ...]:
        """Return what `ask` would put before the model if the caller had said `text` and no more."""
        said = Message(Role.USER, f"{self._unanswered} {text}".strip())
        event = () if self.agent_has_spoken else (Message(Role.EVENT, EventName.ANSWERED),)
        return (*self._messages, *self._pending_notes(), said, *event)

    def answer_heard(self) -> None:
        """The first of the answer is on the line: the question counts as answered."""
        self._unanswered = ""
        self._asked = 0
        del self._notes[: self._noted]
        self._noted = 0

    def tools_began(self, calls: Sequence[ToolCall]) -> None:
        """Something is being done: that stays, and so does what was asked, whatever becomes of the answer."""
        self.answer_heard()
        self.owes_result = True
        self._messages.append(Message(Role.ASSISTANT, "", calls=tuple(calls)))
        self._messages += [Message(Role.TOOL, UNDER_WAY, call_id=call.id) for call in calls]

    def tool_ended(self, call_id: str, result: str) -> None:
        for place, message in enumerate(self._messages):
            if message.role is Role.TOOL and message.call_id == call_id:
                self._messages[place] = replace(message, text=result)

    def take_back(self) -> None:
        """The answer was thrown away unheard: its question waits again."""
        if self._asked:
            del self._messages[-self._asked :]
        self._asked = self._noted = 0

    def agent_heard(self, text: str, *, cut_short: bool) -> None:
        """Remember what was heard of an answer."""
        self.owes_result = False
        self._messages.append(Message(Role.ASSISTANT, text, cut_short=cut_short))

    def _pending_notes(self) -> list[Message]:
        # Before what was said: whoever looks at the last message finds what is to be answered.
        return [Message(Role.NOTE, text) for text in self._notes]
