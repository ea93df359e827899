"""Rows that people put into an order of their own. Sans-I/O."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar


class Placed(Protocol):
    position: Any  # an int, from 0; a mapped column to the type checker


T = TypeVar("T", bound=Placed)


def put_at(position: int, row: T, among: Sequence[T]) -> None:
    """Put a row of `among`, which are in their order, at a place of it, or at its end; the others close up."""
    others = [other for other in among if other is not row]
    others.insert(position, row)
    for number, other in enumerate(others):
        other.position = number
