"""Where one model's words end and another's begin: whole words only, none twice and none left out. Sans-I/O.

Text is handed on as far as its last blank, or to a comma that it ends with, so that a failure never leaves half a word
behind; what is spoken next needs its last word anyway. A model that goes on behind another's words repeats some of
them, however it is asked not to: what it repeats is dropped.
"""

import re
from typing import Final

# Fewer words than this are as likely a figure of speech ("very, very"), or digits, as a repetition.
OVERLAP_WORDS_MIN: Final = 3
HELD_CHARS_MAX: Final = 200  # of one word: some languages write without blanks
ALL_SAID: Final = "[end]"  # what a model writes when there is nothing to go on with
_WHOLE: Final = re.compile(r"\s|(?<=[^\W\d_])[,;]$")  # no word goes on behind these; "10,000" has a figure before it
_TOKEN: Final = re.compile(r"\S+\s*|\s+")
_NOISE: Final = re.compile(r"[^\w]+")


class Seam:
    """One answer, by however many models. `said` is what was handed on, and nothing else."""

    def __init__(self, said: str = "") -> None:
        self.said = said
        self._held = ""  # of the last word, or what may yet turn out to be a repetition
        self._before: list[str] = []  # what the present model may repeat
        self._joining = False  # it is not yet known whether it does
        self._at_joint = False  # nothing of the present model was handed on
        if said:
            self.join()

    def push(self, text: str) -> str:
        """Take a piece of the answer; returns what may be handed on now."""
        self._held += text
        if self._joining and not self._settle(last=False):
            return ""
        end = max((match.end() for match in _WHOLE.finditer(self._held)), default=0)
        if len(self._held) - end > HELD_CHARS_MAX:
            end = len(self._held)
        return self._hand_on(end)

    def flush(self) -> str:
        """The answer is whole: returns the rest of it."""
        if self._joining:
            self._settle(last=True)
        return self._hand_on(len(self._held))

    def join(self) -> None:
        """The model failed: the word it had begun is forgotten, and another model goes on behind the words said."""
        self._held = ""
        self._before = _words(self.said)
        self._joining = self._at_joint = bool(self._before)

    def _settle(self, *, last: bool) -> bool:
        """Drop what repeats; returns False while more is needed to tell."""
        tokens = _TOKEN.findall(self._held)
        whole = tokens if last or not tokens or tokens[-1][-1].isspace() else tokens[:-1]
        words = _words("".join(whole))
        if not last and (not words or self._is_inside(words)):
            return False
        repeated = self._repeated(words, last=last)
        while repeated:
            repeated -= bool(_plain(tokens.pop(0)))
        self._held = "".join(tokens)
        if last and self._held.strip() == ALL_SAID:
            self._held = ""
        self._joining = False
        return True

    def _is_inside(self, words: list[str]) -> bool:
        before, count = self._before, len(words)
        return any(before[place : place + count] == words for place in range(len(before) - count + 1))

    def _repeated(self, words: list[str], *, last: bool) -> int:
        """Return how many of `words`, from the first on, stand at the end of what was said."""
        before = self._before
        for place in range(len(before)):
            count = len(before) - place
            if words[:count] == before[place:] and (count >= OVERLAP_WORDS_MIN or place == 0):
                return count
        # A repetition that went no further: nothing new in it.
        return len(words) if last and len(words) >= OVERLAP_WORDS_MIN and self._is_inside(words) else 0

    def _hand_on(self, end: int) -> str:
        text, self._held = self._held[:end], self._held[end:]
        if text and self._at_joint:
            text = text.lstrip() if self.said[-1].isspace() or not text[0].isspace() else text
            if text and not self.said[-1].isspace() and not text[0].isspace():
                text = f" {text}"
            self._at_joint = not text
        self.said += text
        return text


def _words(text: str) -> list[str]:
    return [word for word in map(_plain, text.split()) if word]


def _plain(word: str) -> str:
    return _NOISE.sub("", word).casefold()
