"""What an answered call spends: how long it has been talked on is told while it runs, and its funds end it.

How many seconds are paid for comes with the permit, and may be changed by the CRM meanwhile.
"""

from typing import Final

from events import call as events
from events.call import Outcome
from telephony.call.ending import WARN_S, EndsSoon, Why
from telephony.call.signals import FundsEnd, MeterDue
from telephony.call.talk_time import TalkTime
from telephony.call.timers import Timers

METER_EVERY_S: Final = 10.0
GOODBYE_S: Final = 12.0  # before the funds end: time to finish and say goodbye


class Funding:
    """One call's. `funded_s`: what the permit pays for; `limit_s`: how long the plan lets it last."""

    def __init__(self, funded_s: int, limit_s: int, talk: TalkTime, timers: Timers) -> None:
        self._funded_s = funded_s
        self._limit_s = limit_s
        self._talk = talk
        self._timers = timers

    def begin(self) -> None:
        """The call is answered."""
        self._talk.begin()
        self._timers.set("meter", METER_EVERY_S, MeterDue())
        self._warn(self._funded_s)
        self._timers.set("goodbye", max(1.0, self._funded_s - GOODBYE_S), FundsEnd(last_call=True))
        self._timers.set("funds", float(self._funded_s), FundsEnd(last_call=False))

    def change(self, funded_s: int) -> None:
        """Other funds than before: the call ends later, or earlier, and then still with a goodbye."""
        parting = self._parting
        self._funded_s = funded_s
        if not self._talk.begun:
            return
        left_s = funded_s - self._talk.duration_s
        if not parting:  # else the goodbye is being said, and is not said twice
            self._timers.set("goodbye", max(0.0, left_s - GOODBYE_S), FundsEnd(last_call=True))
        left_s = max(GOODBYE_S, left_s)
        self._timers.set("funds", left_s, FundsEnd(last_call=False))
        if left_s > WARN_S:
            self._timers.set("put off", 0.0, EndsSoon(self._why, None))
        self._warn(left_s)

    def metered(self) -> events.Metered:
        """Return what is to be told now; the next time comes by itself.

        Never more than is paid for: what a line that will not end costs beyond that is the settlement's.
        """
        self._timers.set("meter", METER_EVERY_S, MeterDue())
        return events.Metered(min(self._talk.billable_s, self._funded_s))

    @property
    def outcome(self) -> Outcome:
        """Of a call that lasted until its funds ended."""
        return Outcome.TIME_LIMIT if self._funded_s >= self._limit_s else Outcome.OUT_OF_CREDIT

    def named(self, outcome: Outcome) -> Outcome:
        """Return the outcome of a conversation that is over: one whose time was up may have had no credit for more."""
        return self.outcome if outcome is Outcome.TIME_LIMIT and self._parting else outcome

    def _warn(self, left_s: float) -> None:
        self._timers.set("warning", max(0.0, left_s - WARN_S), EndsSoon(self._why, min(WARN_S, left_s)))

    @property
    def _why(self) -> Why:
        return Why.TIME_LIMIT if self.outcome is Outcome.TIME_LIMIT else Why.CREDITS

    @property
    def _parting(self) -> bool:
        """It is so late that the goodbye was asked for."""
        return self._talk.begun and self._talk.duration_s >= self._funded_s - GOODBYE_S
