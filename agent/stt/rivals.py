"""One utterance and several recognisers: the one in use is asked first, and not waited for longer than callers wait.

Late with its words, it gets a rival; the first with words wins. Failed, it is followed by the next one at once.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

from agent.stt.port import Transcript, TranscriptionUnavailable

RIVALS_MAX: Final = 2  # asked at the same time; a third would cost more than it could win

Answer = Transcript | TranscriptionUnavailable


async def first_with_words(
    in_use: int,
    others: Iterator[int],
    ask: Callable[[int], Coroutine[Any, Any, Answer]],
    hedge_after_s: Callable[[int], float],
) -> tuple[int, Transcript]:
    """Return who won, and the words.

    An answer without words wins when the recogniser in use gives it (nothing was said), or when nobody is left.

    Args:
        others: whoever may be asked beside the one in use, best first; taken only as far as they are needed.
        ask: has that one hear the utterance; a failure is returned, not raised. Cancelled when it has lost.
        hedge_after_s: how long that one may take before the next is asked too.

    Raises:
        TranscriptionUnavailable: the first failure, when all have failed.
    """
    async with asyncio.TaskGroup() as tasks:
        running: dict[asyncio.Task[Answer], int] = {tasks.create_task(ask(in_use), name="stt.ask"): in_use}
        try:
            winner, answer = await _race(tasks, running, in_use, others, ask, hedge_after_s)
        finally:
            for task in running:
                task.cancel()
    if isinstance(answer, TranscriptionUnavailable):
        raise answer
    return winner, answer


async def _race(
    tasks: asyncio.TaskGroup,
    running: dict[asyncio.Task[Answer], int],
    in_use: int,
    others: Iterator[int],
    ask: Callable[[int], Coroutine[Any, Any, Answer]],
    hedge_after_s: Callable[[int], float],
) -> tuple[int, Answer]:
    """Return who won and the words, or the first failure."""
    left: tuple[int, Answer] | None = None  # the best of what does not win while others run
    patience_s: float | None = hedge_after_s(in_use)
    while running:
        done, _ = await asyncio.wait(running, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        for task in [task for task in running if task in done]:  # a set has no order, and a simulation needs one
            rank = running.pop(task)
            answer = task.result()
            if isinstance(answer, TranscriptionUnavailable):
                left = left or (rank, answer)
            elif answer.text or rank == in_use:
                return rank, answer
            else:
                left = rank, answer
        patience_s = None
        if len(running) < RIVALS_MAX and (rank := next(others, -1)) >= 0:
            running[tasks.create_task(ask(rank), name="stt.ask")] = rank
            if len(running) < RIVALS_MAX:
                patience_s = hedge_after_s(rank)
    assert left is not None
    return left
