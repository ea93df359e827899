"""A message finds its verb, and every answer is one of two."""

from collections.abc import Callable

import msgspec
import pytest

from telephony.people import messages
from telephony.people.commands import VERBS
from telephony.people.presence import NotDone
from telephony.people.verbs import Place, Said, Verb, merged, obey
from tests.telephony.people.test_presence import FakeCall, presence


class Here:
    """A page whose commands are not its leg's."""

    def __init__(self) -> None:
        self.presence = presence(FakeCall())

    def connect(self, sdp: str) -> None:
        raise NotDone("bad_offer", sdp)

    def leave(self) -> None: ...

    def tell(self, message: msgspec.Struct) -> None: ...

    def feed(self, frame: bytes) -> None: ...

    def at_end(self, work: Callable[[], None]) -> None: ...


async def _mute(place: Place, body: messages.Mute) -> Said:
    if not body.on:
        raise NotDone("not_now", "Later.")
    return Said("agent", {"muted": True})


async def test_each_outcome() -> None:
    verbs = {"mute": Verb(messages.Mute, _mute)}

    async def say(do: str, **fields: object) -> messages.Told:
        raw = msgspec.msgpack.encode({"do": do, "id": 3, **fields})
        return await obey(verbs, Here(), messages.read(raw), raw)  # type: ignore[arg-type]  # it has no legs

    assert await say("mute", on=True) == messages.Ok(3, "listening", "agent", {"muted": True})
    assert await say("mute", on=False) == messages.Refused(3, "not_now", "Later.")
    bad = await say("mute", on="yes")
    assert isinstance(bad, messages.Refused)
    assert bad.code == "bad_message"
    unknown = await say("sing")
    assert isinstance(unknown, messages.Refused)
    assert "mute" in unknown.sentence


def test_two_modules_cannot_mean_different_things_by_one_word() -> None:
    with pytest.raises(ValueError, match="mute"):
        merged(VERBS, {"mute": Verb(messages.Mute, _mute)})
