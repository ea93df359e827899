"""A live call with somebody who objects: each thing that they say is judged, in the call's own events."""

from pathlib import Path

import pytest

from events import call as events
from events.ids import new_id
from events.understanding import Mood, ObjectionKind
from tests.telephony.stage import set_stage

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("stage")]
NUMBER = "+12025550197"


async def test_every_utterance_is_judged_and_objections_are_told_with_their_words(
    redis_url: str, tmp_path: Path
) -> None:
    call_id = new_id()
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("objector", NUMBER)
        reply = await stage.dial(call_id, NUMBER)
        assert reply.accepted, reply.reason
        found = await stage.until(call_id, events.Closed, 120)
    bodies = [event.body for event in found]
    said = {
        body.turn: body.text
        for body in bodies
        if isinstance(body, events.TurnFinished) and body.speaker is events.Speaker.CALLER and body.text
    }
    understood = [body for body in bodies if isinstance(body, events.CallerUnderstood)]
    assert [body.turn for body in understood] == list(said)
    kinds = {kind for body in understood for kind in body.objections}
    assert kinds & {ObjectionKind.PRICE, ObjectionKind.COMPETITOR, ObjectionKind.TRUST}, said
    for body in understood:
        assert body.mood in set(Mood)
        assert all(quote in said[body.turn] for quote in body.quotes)
    assert not any(isinstance(body, events.CallerAngry) for body in bodies), "objecting is no anger"
