"""A stream of text to sentences, as soon as each is whole, so that the voice can start before the answer ends.

Sans-I/O. First form: a sentence ends at . ? or ! followed by a blank.
"""

import re
from typing import Final

_END: Final = re.compile(r"(?<=[.!?])\s+")
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

    def flush(self) -> list[str]:
        """Return what is left at the end of the stream."""
        rest, self._rest = self._rest.strip(), ""
        return [rest] if rest else []
