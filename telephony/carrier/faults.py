"""What goes wrong on purpose: refusals, disorder among callbacks, broken streams. Set through the control API.

A fault is meant for one number, or for all ("" as the number). Those that hit a dial or a stream do so `times` times.
"""

import random
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from telephony.carrier.calls import Status

ALL_NUMBERS: Final = ""
NUMBERS_MAX: Final = 1_000

Probability = Annotated[float, Field(ge=0, le=1)]


class Refusal(BaseModel):
    """An error answer to the request that places a call."""

    model_config = ConfigDict(extra="forbid")

    status: int = Field(500, ge=400, le=599)
    code: int = 20500
    message: str = "Internal Server Error"
    dial_anyway: bool = False  # the answer is lost, the call is made: why nobody may retry a dial
    delay_s: float = Field(0, ge=0, le=60)


class FaultPlan(BaseModel):
    model_config = ConfigDict(extra="forbid")

    number: str = ALL_NUMBERS
    times: int = Field(1, ge=1, le=1_000)  # for `refuse`, `end_as` and the streams' faults
    refuse: Refusal | None = None
    end_as: Status | None = None  # the network's answer in place of the person's: busy, failed, no-answer
    cut_stream_after_ms: int | None = Field(None, ge=0)  # without `stop`
    garbage_after_ms: int | None = Field(None, ge=0)
    duplicate: Probability = 0.0
    reorder: Probability = 0.0  # held back by reorder_ms
    reorder_ms: int = Field(700, ge=1, le=30_000)
    lose: Probability = 0.0
    seed: int = 0


class Faults:
    """The plans in force, and the dice for those that are a matter of chance."""

    def __init__(self) -> None:
        self._plans: dict[str, FaultPlan] = {}
        self._left: dict[str, int] = {}
        self._dice: dict[str, random.Random] = {}

    def set(self, plan: FaultPlan) -> None:
        """Put a plan in force, in place of the number's earlier one; the oldest gives way when there are too many."""
        self._plans.pop(plan.number, None)
        self._plans[plan.number] = plan
        self._left[plan.number] = plan.times
        self._dice[plan.number] = random.Random(plan.seed)  # noqa: S311 - a repeatable experiment, no secret
        while len(self._plans) > NUMBERS_MAX:
            self._forget(next(iter(self._plans)))

    def clear(self) -> None:
        for number in list(self._plans):
            self._forget(number)

    def plans(self) -> list[FaultPlan]:
        return list(self._plans.values())

    def on_dial(self, number: str) -> FaultPlan | None:
        """Return the plan for a dial to `number`, using it up once."""
        plan = self._plans.get(number) or self._plans.get(ALL_NUMBERS)
        if plan is None or self._left[plan.number] <= 0:
            return None
        self._left[plan.number] -= 1
        return plan

    def deliveries(self, number: str) -> list[float]:
        """Return after how many seconds each copy of a callback is sent: [0.0] when nothing goes wrong."""
        plan = self._plans.get(number) or self._plans.get(ALL_NUMBERS)
        if plan is None:
            return [0.0]
        dice = self._dice[plan.number]
        if dice.random() < plan.lose:
            return []
        first_s = plan.reorder_ms / 1000 if dice.random() < plan.reorder else 0.0
        return [first_s, first_s + 0.05] if dice.random() < plan.duplicate else [first_s]

    def _forget(self, number: str) -> None:
        del self._plans[number], self._left[number], self._dice[number]
