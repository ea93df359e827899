"""Damaged messages: damaged, repeatable, and made of good ones."""

import json
from random import Random

from bench.mutate import all_kinds, damaged
from telephony.twilio import messages


def test_the_good_ones_are_good() -> None:
    for message in all_kinds():
        messages.parse(message)
        assert json.loads(message)["event"]


def test_chance_decides_and_repeats_itself() -> None:
    def run(seed: int) -> list[bytes]:
        chance = Random(seed)  # noqa: S311 - a test
        return [damaged(all_kinds(), chance) for _ in range(200)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert sum(message in all_kinds() for message in run(1)) < 40
