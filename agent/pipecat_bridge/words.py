"""When words are said, where a service does not tell: shares of the time by letters. Sans-I/O; all times in ms."""

from typing import Any, Final

from agent.stt.port import HeardWord
from agent.tts.port import SpokenWord

MS_PER_LETTER: Final = 70.0  # of a usual voice, the blank behind a word counted as one
_SLACK_MS: Final = 300  # a vendor's times may lie so far outside of the utterance, by its rounding


def shares(words: list[str], start_ms: float, end_ms: float) -> list[tuple[str, int, int]]:
    """Spread words over a time; each gets some."""
    letters = [len(word) + 1 for word in words]
    total = max(1, sum(letters))
    length = max(float(len(words)), end_ms - start_ms)
    placed, at = [], start_ms
    for word, count in zip(words, letters, strict=True):
        end = at + length * count / total
        placed.append((word, round(at), max(round(at) + 1, round(end))))
        at = end
    return placed


def vendor_words(result: Any) -> list[tuple[str, int, int]]:
    """Return the words in a recogniser's own answer, since its stream's beginning; none where it is of a form unknown.

    A list named `words`, of the result or of its first alternative; times in seconds where they are fractions, as most
    vendors have them, in ms where they are whole.
    """
    for holder in (result, _first(_get(_get(result, "channel"), "alternatives")), _first(_get(result, "alternatives"))):
        words = _get(holder, "words")
        if isinstance(words, list | tuple) and words:
            found = [_vendor_word(word) for word in words]
            return [word for word in found if word is not None] if None not in found else []
    return []


def _vendor_word(word: Any) -> tuple[str, int, int] | None:
    text = _get(word, "punctuated_word") or _get(word, "word") or _get(word, "text")
    start, end = _get(word, "start"), _get(word, "end")
    if not isinstance(text, str):
        return None
    if isinstance(start, float) and isinstance(end, float):
        return text, round(start * 1_000), round(end * 1_000)
    if isinstance(start, int) and isinstance(end, int):
        return text, start, end
    return None


def _get(holder: Any, name: str) -> Any:
    return holder.get(name) if isinstance(holder, dict) else getattr(holder, name, None)


def _first(items: Any) -> Any:
    return items[0] if isinstance(items, list | tuple) and items else None


def heard_words(
    text: str, told: list[tuple[str, int, int]], began_ms: int, voiced_ms: int, length_ms: int
) -> tuple[HeardWord, ...]:
    """Return the words of an utterance, since its first sample.

    `told`: the vendor's, since its stream's beginning; `began_ms`: the utterance's first sample there; `voiced_ms`: of
    its length, the silence that it begins with. What does not fit the utterance, after a connection that was made anew,
    is not believed.
    """
    placed = [(word, start - began_ms, end - began_ms) for word, start, end in told]
    fits = all(-_SLACK_MS <= start < end <= length_ms + _SLACK_MS for _, start, end in placed)
    if not fits or " ".join(word for word, _, _ in placed) != text:
        placed = shares(text.split(), min(voiced_ms, length_ms), length_ms)
    return tuple(HeardWord(word, max(0, start), min(end, max(length_ms, start + 1))) for word, start, end in placed)


class SpokenWords:
    """The words of one sentence: told by the voice as they are said, or estimated."""

    def __init__(self, text: str, ms_per_letter: float = MS_PER_LETTER, *, estimate: bool = False) -> None:
        """`estimate`: this voice tells no times, so that words are due before the sentence's end."""
        self._waiting = text.split()
        self._letters = sum(len(word) + 1 for word in self._waiting)
        self._ms_per_letter = ms_per_letter
        self._estimate = estimate
        self._open: list[str] = []  # told, and not yet ended by the next
        self._reached_ms = 0  # where they begin; without any, the end of the last word that was given
        self.told = False  # the voice tells times

    def tell(self, text: str, start_ms: int, made_ms: int) -> tuple[SpokenWord, ...]:
        """The voice says these words from then on; returns those that are over by that.

        What is not as written ("ten" for "10"), or not later than the word before, gets its share at the end.
        """
        words = text.split()
        start = min(start_ms, made_ms)
        if not words or words != self._waiting[: len(words)] or start < 0:
            return ()
        if self.told and start <= self._reached_ms:
            return ()
        given = self._close(start)
        del self._waiting[: len(words)]
        self._open, self._reached_ms, self.told = words, start, True
        return given

    def due(self, made_ms: int) -> tuple[SpokenWord, ...]:
        """Return the words that have been said by then, as far as anybody can tell."""
        given: list[SpokenWord] = []
        while self._estimate and not self.told and self._waiting:
            end = self._reached_ms + round((len(self._waiting[0]) + 1) * self._ms_per_letter)
            if end > made_ms:
                break
            given.append(SpokenWord(self._waiting.pop(0), self._reached_ms, end))
            self._reached_ms = end
        return tuple(given)

    def rest(self, length_ms: int) -> tuple[SpokenWord, ...]:
        """The sentence is over: return what was not given."""
        self._open += self._waiting
        self._waiting = []
        return self._close(length_ms)

    def pace(self, length_ms: int) -> float:
        """Return how long a letter took in a sentence of that length."""
        return length_ms / self._letters if self._letters else self._ms_per_letter

    def _close(self, end_ms: int) -> tuple[SpokenWord, ...]:
        words, self._open = self._open, []
        return tuple(SpokenWord(*one) for one in shares(words, self._reached_ms, end_ms))
