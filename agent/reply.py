"""One answer of the agent: what it means to say, where each word lies, and which words were heard. Sans-I/O."""

from dataclasses import dataclass, field
from typing import Final

from agent.llm.port import ToolCall
from agent.tts.port import SpokenWord

# A word counts as heard when this share of it was played: more than half makes it understood.
_HEARD_SHARE: Final = 0.5


@dataclass(slots=True)
class Waterfall:
    """Moments of an answer on the call's timeline, in ms; `origin_ms` is the caller's last voiced sample (X2)."""

    origin_ms: int | None = None
    vad_ms: int | None = None
    end_of_turn_ms: int | None = None
    transcript_ms: int | None = None
    first_token_ms: int | None = None
    first_audio_ms: int | None = None
    sent_ms: int | None = None
    played_ms: int | None = None
    due_ms: int | None = None  # by when the caller must hear something; None where nobody has spoken

    def since_origin(self, moment_ms: int | None) -> int | None:
        if self.origin_ms is None or moment_ms is None:
            return None
        return moment_ms - self.origin_ms


@dataclass(slots=True)
class Reply:
    turn: int
    waterfall: Waterfall
    sentences: list[str] = field(default_factory=list)
    words: list[SpokenWord] = field(default_factory=list)  # times since the reply's first sample
    calls: list[ToolCall] = field(default_factory=list)
    opened: bool = False  # its first sound is on the way
    prompt_version: str = ""  # the one that the model was told
    keys: str = ""  # of a telephone, pressed in place of words
    failed: str = ""  # a code: there is no answer, and the caller is told so

    @property
    def text(self) -> str:
        return " ".join(self.sentences)

    @property
    def started_ms(self) -> int:
        """When its first sample was played, by the carrier's mark, or else when it was sent."""
        fall = self.waterfall
        return fall.played_ms if fall.played_ms is not None else (fall.sent_ms or 0)

    def add_words(self, words: tuple[SpokenWord, ...], offset_ms: int) -> None:
        """Take the words of a sentence whose first sample lies `offset_ms` into the reply."""
        self.words += [SpokenWord(word.text, word.start_ms + offset_ms, word.end_ms + offset_ms) for word in words]

    def forget_words(self, count: int) -> None:
        """Forget the last words: their speech broke off, and they are said again."""
        del self.words[len(self.words) - count :]

    def heard_text(self, heard_ms: int) -> str:
        """Return the words that were heard when `heard_ms` of the reply had been played."""
        heard = [w.text for w in self.words if w.start_ms + (w.end_ms - w.start_ms) * _HEARD_SHARE <= heard_ms]
        return " ".join(heard)

    def word_start_ms(self, heard_ms: int) -> int:
        """Return where the word begins that was cut at `heard_ms`: the place to resume from."""
        starts = [word.start_ms for word in self.words if word.start_ms <= heard_ms]
        return starts[-1] if starts else 0
