"""What is told of an answer when it is over: the turn with its heard words, and its waterfall (X2). Sans-I/O."""

from agent.reply import Reply
from events import call as events


def finished_turn(reply: Reply, heard: str, ended_ms: int, *, interrupted: bool) -> events.TurnFinished:
    started_ms = reply.started_ms
    return events.TurnFinished(
        reply.turn,
        events.Speaker.AGENT,
        reply.text,
        heard,
        started_ms,
        max(started_ms, ended_ms),
        response_ms=reply.waterfall.since_origin(started_ms),
        interrupted=interrupted,
    )


def timed_turn(reply: Reply) -> events.TurnTimed | None:
    """None for an answer to no one: a greeting, a prompt after silence."""
    fall = reply.waterfall
    if fall.origin_ms is None:
        return None
    return events.TurnTimed(
        reply.turn,
        fall.since_origin(fall.vad_ms),
        fall.since_origin(fall.end_of_turn_ms),
        fall.since_origin(fall.transcript_ms),
        fall.since_origin(fall.first_token_ms),
        fall.since_origin(fall.first_audio_ms),
        fall.since_origin(fall.sent_ms),
        fall.since_origin(fall.played_ms),
    )


def decided_outcome(reply: Reply | None) -> events.Outcome | None:
    """The outcome with which an answer ends the call; None when it does not."""
    for call in reply.calls if reply is not None else ():
        if call.name == "end_call":
            return events.Outcome(str(call.arguments.get("outcome", events.Outcome.HUNG_UP)))
    return None


class Facts:
    """The facts that answers establish, each noted once a call."""

    def __init__(self) -> None:
        self._noted: set[tuple[str, str, str]] = set()

    def new_in(self, reply: Reply) -> list[events.FactNoted]:
        fresh = []
        for call in reply.calls:
            if call.name != "note_fact":
                continue
            said = {key: str(value) for key, value in call.arguments.items()}
            key = (said.get("kind", ""), said.get("text", ""), said.get("when", ""))
            if key not in self._noted:
                self._noted.add(key)
                fresh.append(events.FactNoted(events.FactKind(key[0]), key[1], key[2]))
        return fresh
