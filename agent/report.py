"""What is told of an answer when it is over: the turn with its heard words, and its waterfall (X2). Sans-I/O."""

from collections.abc import Callable

from agent.llm.usage import ModelCall
from agent.reply import Reply
from agent.tools.rounds import GRANTED_TRANSFER
from events import call as events
from events.tool import ToolName
from media.activity.detector import VoiceEnded


def caller_turn(turn: int, text: str, voice: VoiceEnded) -> events.TurnFinished:
    return events.TurnFinished(turn, events.Speaker.CALLER, text, text, voice.first_voiced_ms, voice.last_voiced_ms)


def person_turn(turn: int, text: str, voice: VoiceEnded, speaker: events.Speaker) -> events.TurnFinished:
    return events.TurnFinished(turn, speaker, text, text, voice.first_voiced_ms, voice.last_voiced_ms)


def phrase_turn(turn: int, text: str, heard: str, began_ms: int, length_ms: int) -> events.TurnFinished:
    ended_ms = began_ms + length_ms
    return events.TurnFinished(turn, events.Speaker.AGENT, text, heard, began_ms, ended_ms, interrupted=heard != text)


def answer(reply: Reply, heard: str, ended_ms: int, *, interrupted: bool) -> list[events.Body]:
    """The turn, and its waterfall unless it answered nobody (a greeting, a prompt after silence)."""
    started_ms, fall = reply.started_ms, reply.waterfall
    since = fall.since_origin
    keys = f"[{reply.keys}]" if reply.keys and not reply.text else ""
    told: list[events.Body] = [
        events.TurnFinished(
            reply.turn,
            events.Speaker.AGENT,
            reply.text or keys,
            heard or keys,
            started_ms,
            max(started_ms, ended_ms),
            response_ms=since(started_ms),
            interrupted=interrupted,
            prompt_version=reply.prompt_version,
        )
    ]
    if fall.origin_ms is not None:
        told.append(
            events.TurnTimed(
                reply.turn,
                since(fall.vad_ms),
                since(fall.end_of_turn_ms),
                since(fall.transcript_ms),
                since(fall.first_token_ms),
                since(fall.first_audio_ms),
                since(fall.sent_ms),
                since(fall.played_ms),
            )
        )
    return told


def model_used(call: ModelCall) -> events.ModelUsed:
    return events.ModelUsed(
        call.provider,
        call.fate.value,
        call.failure.value if call.failure is not None else "",
        call.usage.prompt_tokens,
        call.usage.completion_tokens,
        call.estimated,
        call.cost,
        call.first_token_ms,
        call.total_ms,
        call.rank,
        call.own_key,
    )


def decided_outcome(reply: Reply | None) -> events.Outcome | None:
    """The outcome with which an answer ends the call; None when it does not."""
    for call in reply.calls if reply is not None else ():
        if call.name == GRANTED_TRANSFER:
            return events.Outcome.TRANSFERRED
        if call.name == ToolName.END_CALL:
            return _outcome(str(call.arguments.get("outcome", "")))
    return None


def _outcome(text: str) -> events.Outcome:
    """A language model may write any word there: the call is over all the same."""
    return events.Outcome(text) if text in list(events.Outcome) else events.Outcome.HUNG_UP


class Facts:
    """The facts that answers establish, each noted once a call."""

    def __init__(self, emit: Callable[[events.Body], None]) -> None:
        self._emit = emit
        self._noted: set[tuple[str, str, str]] = set()

    def note(self, reply: Reply) -> None:
        """Report those of an answer that are new."""
        for fact in self.new_in(reply):
            self._emit(fact)

    def new_in(self, reply: Reply) -> list[events.FactNoted]:
        fresh = []
        for call in reply.calls:
            if call.name != "note_fact":
                continue
            said = {key: str(value) for key, value in call.arguments.items()}
            key = (said.get("kind", ""), said.get("text", ""), said.get("when", ""))
            if key not in self._noted:
                self._noted.add(key)
                # So may it here; what it wanted to note is kept as a note.
                kind = events.FactKind(key[0]) if key[0] in list(events.FactKind) else events.FactKind.NOTE
                fresh.append(events.FactNoted(kind, key[1], key[2]))
        return fresh
