"""A stream of text to sentences, as soon as each is whole, so that the voice can start before the answer ends.

Sans-I/O. A sentence ends at . ? or ! followed by a blank. Who cannot wait for that takes a clause.
"""

import re
from typing import Final

_END: Final = re.compile(r"(?<=[.!?])\s+")
# The last mark of what came needs no blank behind it, as that comes with the next token: "10,000" has a figure before
# it, and a mark within quotes a quote behind it.
_CLAUSE_END: Final = re.compile(r"(?<=[,;:])\s+|(?<=[^\W\d_][,;])$")
_QUOTES: Final = frozenset('"”“»«')
# A shorter one is over before the next is made: "Well," and a hole.
CLAUSE_CHARS_MIN: Final = 10
_SENTENCE_CHARS_MAX: Final = 400  # a model that never ends a sentence is spoken in pieces


class SentenceSplitter:
    def __init__(self) -> None:
        self._rest = ""

    def push(self, text: str) -> list[str]:
        """Return the sentences that `text` completes."""
        self._rest += text
        *whole, self._rest = _END.split(self._rest)
        if len(self._rest) > _SENTENCE_CHARS_MAX:
            head, _, self._rest = self._rest.rpartition(" ")
            whole.append(head)
        return [sentence for sentence in whole if sentence.strip()]

    def take_clause(self) -> str | None:
        """Return the clause that the unfinished sentence begins with, and have it no more; None without one."""
        for end in _CLAUSE_END.finditer(self._rest):
            if end.start() >= CLAUSE_CHARS_MIN and (end.group() or _QUOTES.isdisjoint(self._rest)):
                clause, self._rest = self._rest[: end.start()], self._rest[end.end() :]
                return clause.strip()
        return None

    def flush(self) -> list[str]:
        """Return what is left at the end of the stream."""
        rest, self._rest = self._rest.strip(), ""
        return [rest] if rest else []
