"""Who answered a call, by the carrier's word and by our own ear. Sans-I/O."""

from collections.abc import Callable

from events.call import AnsweredBy, AnswererKnown


class Answerer:
    """What our ear has heard counts for more than what the carrier says, and its later word more than its earlier."""

    def __init__(self, emit: Callable[[AnswererKnown], None]) -> None:
        self._emit = emit
        self.known: AnsweredBy | None = None

    def carrier_said(self, answered_by: AnsweredBy, detail: str) -> None:
        if self.known in (None, AnsweredBy.UNKNOWN):
            self._take(answered_by, "carrier", detail)

    def heard(self, answered_by: AnsweredBy, detail: str) -> None:
        self._take(answered_by, "ear", detail)

    def _take(self, answered_by: AnsweredBy, source: str, detail: str) -> None:
        self.known = answered_by
        self._emit(AnswererKnown(answered_by, source, detail))
