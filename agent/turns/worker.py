"""The child process that holds smart-turn: sound on standard input, probabilities on standard output.

`agent.turns.judge` starts it. It ends when its input closes, so it outlives nobody. One thing at a time, in the order
asked: who asks keeps the queue short.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import IO

from agent import worker_frames
from agent.turns import judge_wire as wire
from agent.turns.smart_turn import HEARD_BYTES, SmartTurn, SmartTurnMissing


def serve(
    source: IO[bytes], output: IO[bytes], network: SmartTurn, when_warm: Callable[[], None] = lambda: None
) -> None:
    """Answer until the input ends. Raises worker_frames.Unreadable: the input is not ours."""
    network.judge(bytes(HEARD_BYTES))  # the first run takes longer
    output.write(worker_frames.encode(wire.Ready(_run(network, bytes(HEARD_BYTES))[1])))
    output.flush()
    when_warm()
    for body in worker_frames.bodies(source):
        ask = wire.decode_ask(body)
        output.write(worker_frames.encode(wire.Judged(ask.request, *_run(network, ask.pcm))))
        output.flush()


def _run(network: SmartTurn, pcm: bytes) -> tuple[float, float]:
    """Return the probability and the time it took, in ms."""
    started = time.monotonic()
    probability = network.judge(pcm)
    return probability, (time.monotonic() - started) * 1_000


def give_way() -> None:
    """Run only where a core has nothing else to do: the calls' own work, on the same core perhaps, comes first.

    A network that gets no time answers late, which is as good as none: the rules decide then (agent/turns/judge.py).
    """
    if hasattr(os, "SCHED_IDLE"):  # Linux
        with contextlib.suppress(PermissionError):  # some containers forbid it; then it takes its turns
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main() -> None:
    """Serve until the input closes; exit status 1 when the network is missing or the input is not ours."""
    # Ctrl-C reaches the whole terminal; the parent decides when its calls, and so this process, are over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write into the frames
    try:
        serve(sys.stdin.buffer, output, SmartTurn(), give_way)
    except BrokenPipeError:
        pass
    except (SmartTurnMissing, worker_frames.Unreadable) as error:
        fault = str(error).replace('"', "'")
        sys.stderr.write(f'{{"level":"error","event":"turns.worker_failed","cause":"{fault}"}}\n')
        os._exit(1)
    os._exit(0)  # at once: there is nothing to put in order


if __name__ == "__main__":
    main()
