"""Calls that were held, for the tests of what is understood of them."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from agent.llm.registry import Models
from crm.agents.model import Agent
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.resources import Resources
from crm.understanding.after_call import NoteDesk, write_one
from crm.unit_of_work import UnitOfWork
from events.call import (
    Answered,
    AnsweredBy,
    Body,
    Closed,
    FactKind,
    FactNoted,
    Finished,
    Outcome,
    Speaker,
    State,
    StateChanged,
    TurnFinished,
)
from events.understanding import CallerAngry, CallerUnderstood, Mood, ObjectionKind
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, publish

PLAYBOOKS: Final = Path(__file__).parents[3] / "config" / "playbooks"
PRICE: Final = "it is too expensive for us"
SECRET: Final = "my mail is dana at example dot com"
HELD: Final[tuple[Body, ...]] = (
    StateChanged(State.DIALING, State.IDLE),
    Answered(),
    TurnFinished(1, Speaker.CALLER, "hello", "hello", 100, 600),
    CallerUnderstood(1, Mood.NEUTRAL, 0.0, 0.0),
    TurnFinished(2, Speaker.AGENT, "Hello, this is Alex. Do you pay the bills?", "Hello, this is Alex.", 700, 1900),
    TurnFinished(3, Speaker.CALLER, PRICE, PRICE, 2000, 2600),
    CallerUnderstood(3, Mood.NEGATIVE, -0.63, 0.65, (ObjectionKind.PRICE,), ("too expensive",)),
    TurnFinished(4, Speaker.AGENT, "It is free.", "It is free.", 2700, 3000),
    TurnFinished(5, Speaker.CALLER, SECRET, SECRET, 3100, 3900),
    FactNoted(FactKind.CALLBACK_REQUESTED, when="tomorrow at ten"),
    Finished(State.ENDED, Outcome.CALLBACK_REQUESTED, AnsweredBy.HUMAN, 14.2, 15),
    Closed(),
)
HOSTILE: Final[tuple[Body, ...]] = (
    *HELD[:3],
    CallerUnderstood(1, Mood.NEGATIVE, -0.9, 0.8),
    CallerAngry(1, -0.9),
    Finished(State.ENDED, Outcome.HUNG_UP, AnsweredBy.HUMAN, 4.0, 5),
    Closed(),
)


async def use_playbook(resources: Resources, org: Org, **changes: object) -> None:
    """Let the organisation's agent follow the playbook that is there, and have what is given beside."""
    async with UnitOfWork(resources.sessions, org.id) as unit:
        agent = await unit.session.get_one(Agent, (org.id, org.agent_id))
        for name, value in ({"playbook": "energy_meeting"} | changes).items():
            setattr(agent, name, value)
        await unit.commit()


async def held(
    consumer: EventConsumer, redis: Redis, resources: Resources, org: Org, bodies: tuple[Body, ...] = HELD
) -> CallScript:
    """Place a call, and let that happen in it. Its agent's playbook is one that the script can follow."""
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    script = CallScript(org.id, answer.call_id)
    await publish(redis, *script.events(bodies))
    await consumer.turn()
    return script


def desk(models: Models, *names: str) -> NoteDesk:
    return NoteDesk(models, names or ("scripted",), PLAYBOOKS, "x" * 40)


def with_key(made: NoteDesk, secret_key: str) -> NoteDesk:
    return replace(made, secret_key=secret_key)


async def write_all(resources: Resources, redis: Redis, made: NoteDesk) -> int:
    """Do the worker's part until nothing is due; return how often something was."""
    count = 0
    while await write_one(resources.sessions, redis, made):
        count += 1
    return count
