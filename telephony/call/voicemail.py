"""Callers who leave a message: by the number's route, or because nobody took them. What is said is agent's."""

from typing import Protocol

from agent.signals import TakeMessage
from events.plan import CallPlan, Route


class Conversing(Protocol):
    """What of a conversation a message needs."""

    def step_aside(self) -> None: ...

    def put(self, signal: TakeMessage) -> None: ...


def begin_as_routed(plan: CallPlan, conversation: Conversing) -> None:
    """The line is open: take a message at once where the number says so."""
    if plan.inbound is not None and plan.inbound.route is Route.VOICEMAIL:
        take_message(conversation, plan.inbound.greeting)


def take_message(conversation: Conversing, greeting: str = "") -> None:
    """Have the agent ask for a message and take it; the call ends with it, `voicemail` or, without a word, `missed`."""
    conversation.step_aside()
    conversation.put(TakeMessage(greeting))
