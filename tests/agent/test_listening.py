"""What of the caller's audio reaches the recogniser, in which form, and where its words lie on the call's timeline."""

import pytest

from agent.listening import Listening
from agent.stt.port import PREROLL_MS, Feeding, HeardWord, Transcript, TranscriptionUnavailable
from media.frame import FRAME_MS

PREROLL = PREROLL_MS // FRAME_MS


class Engine:
    """Implements `Recognizer`: keeps what it is fed."""

    def __init__(self, feeding: Feeding) -> None:
        self.feeding = feeding
        self.fed: list[bytes] = []
        self.begun = 0
        self.away = False

    def begin(self) -> None:
        self.begun = len(self.fed)

    def feed(self, audio: bytes) -> None:
        self.fed.append(audio)

    async def finish(self) -> Transcript:
        if self.away:
            raise TranscriptionUnavailable("away")
        return Transcript("yes", (HeardWord("yes", 100, 300),), 0.5)

    async def aclose(self) -> None: ...


def hear(listening: Listening, first: int, count: int) -> None:
    for number in range(first, first + count):
        listening.hear(b"pcm%d" % number, b"ulaw%d" % number)


async def test_a_recogniser_that_fails_has_heard_nothing_and_its_failures_in_a_row_are_counted() -> None:
    engine = Engine(Feeding())
    listening = Listening(engine)
    seen = []
    for away in (True, True, False, True):
        engine.away = away
        listening.begin(0)
        seen.append(((await listening.finish()).text, listening.failures))
    assert seen == [("", 1), ("", 2), ("yes", 0), ("", 1)]


async def test_an_engine_by_utterances_gets_the_preroll_and_what_follows() -> None:
    engine = Engine(Feeding(ulaw=True))
    listening = Listening(engine)
    hear(listening, 0, 100)
    listening.begin(2_000)
    hear(listening, 100, 10)
    heard = await listening.finish()
    hear(listening, 110, 50)
    assert engine.fed == [b"ulaw%d" % number for number in range(100 - PREROLL, 110)]
    assert heard.words == (HeardWord("yes", 2_000 - PREROLL_MS + 100, 2_000 - PREROLL_MS + 300),)
    assert heard.confidence == 0.5
    assert listening.heard_ms == 160 * FRAME_MS
    assert listening.fed_ms == (PREROLL + 10) * FRAME_MS


async def test_a_second_utterance_has_no_more_preroll_than_there_was() -> None:
    engine = Engine(Feeding())
    listening = Listening(engine)
    listening.begin(0)
    hear(listening, 0, 5)
    await listening.finish()
    hear(listening, 5, 3)
    listening.begin(160)
    heard = await listening.finish()
    assert engine.fed == [b"pcm%d" % number for number in range(8)]
    assert heard.words[0].start_ms == 160 - 3 * FRAME_MS + 100


@pytest.mark.parametrize("ulaw", [True, False])
async def test_an_engine_that_wants_everything_gets_each_frame_once(ulaw: bool) -> None:
    engine = Engine(Feeding(ulaw=ulaw, continuous=True))
    listening = Listening(engine)
    hear(listening, 0, 40)
    listening.begin(800)
    hear(listening, 40, 10)
    heard = await listening.finish()
    hear(listening, 50, 10)
    form = b"ulaw%d" if ulaw else b"pcm%d"
    assert engine.fed == [form % number for number in range(60)]
    assert engine.begun == 40
    assert heard.words[0].start_ms == 800 - PREROLL_MS + 100
    assert listening.fed_ms == listening.heard_ms


async def test_a_voice_that_is_attended_to_late_is_heard_from_its_beginning() -> None:
    """While the words of one utterance are waited for, the next one may begin."""
    engine = Engine(Feeding(ulaw=True))
    listening = Listening(engine)
    hear(listening, 0, 100)
    listening.hold(0)
    hear(listening, 100, 200)
    listening.begin(6_000)
    hear(listening, 300, 10)
    heard = await listening.finish()
    assert engine.fed == [b"ulaw%d" % number for number in range(100 - PREROLL, 310)]
    assert heard.words[0].start_ms == 2_000 - PREROLL_MS + 100
    hear(listening, 310, 100)
    listening.begin(8_200)
    assert len(engine.fed) == 210 + PREROLL + PREROLL  # held for one utterance only


async def test_of_a_voice_that_was_noticed_late_nothing_is_lost() -> None:
    """A node that stood still takes in at once what came meanwhile."""
    engine = Engine(Feeding(ulaw=True))
    listening = Listening(engine)
    hear(listening, 0, 200)
    listening.hold(1_000)
    hear(listening, 200, 5)
    listening.hold(1_100)
    listening.begin(4_100)
    heard = await listening.finish()
    assert engine.fed == [b"ulaw%d" % number for number in range(100, 205)]
    assert heard.words[0].start_ms == 2_000 + 100
    hear(listening, 205, 200)
    listening.hold(120)
    listening.begin(8_100)
    assert len(engine.fed) == 105 + PREROLL, "noticed in time, and held for one utterance only"


async def test_a_voice_in_an_open_utterance_holds_nothing() -> None:
    engine = Engine(Feeding())
    listening = Listening(engine)
    listening.begin(0)
    listening.hold(0)
    hear(listening, 0, 100)
    assert len(engine.fed) == 100
    await listening.finish()
    hear(listening, 100, 100)
    listening.begin(4_000)
    assert len(engine.fed) == 100 + PREROLL
