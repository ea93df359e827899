"""Every event of a call is counted and sent, and what the caller says is understood on its way."""

from datetime import UTC, datetime

from agent.understanding.lexicon_files import lexicon_for
from agent.understanding.senses import Senses
from events import call as events
from events.ids import new_id
from telephony.call.emitter import Emitter
from telephony.call.telling import Telling
from telephony.figures import Figures


class Outbox:
    def __init__(self) -> None:
        self.sent: list[events.Event] = []

    def put(self, event: events.Event) -> None:
        self.sent.append(event)


def telling(outbox: Outbox, figures: Figures) -> Telling:
    emitter = Emitter(new_id(), new_id(), 1, outbox, lambda: datetime(2026, 1, 1, tzinfo=UTC))  # type: ignore[arg-type]  # only put is used
    return Telling(emitter, figures, Senses(lexicon_for("en")))


def test_what_the_caller_says_is_followed_by_what_it_means() -> None:
    outbox, figures = Outbox(), Figures()
    told = telling(outbox, figures)
    told.emit(events.Answered())
    told.emit(events.TurnFinished(1, events.Speaker.AGENT, "That is terrible.", "That is terrible.", 0, 900))
    told.emit(events.TurnFinished(2, events.Speaker.CALLER, "shut up", "shut up", 1_000, 1_500))
    assert [events.kind_of(event.body) for event in outbox.sent] == [
        "call.answered",
        "turn.finished",
        "turn.finished",
        "caller.understood",
        "caller.angry",
    ]
    assert [event.seq for event in outbox.sent] == [1, 2, 3, 4, 5]
    assert figures.answered == 1
    assert told.grasp.angry


async def test_without_a_model_nothing_runs_and_the_end_waits_for_nothing() -> None:
    told = telling(Outbox(), Figures())
    assert not told.grasp.asks
    await told.finish()
