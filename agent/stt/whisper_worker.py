"""The child process that holds a Whisper model: utterances on standard input, words on standard output.

`agent.stt.whisper_process` starts it, with the model's folder as its argument. It ends when its input closes, so it
outlives nobody. One thing at a time, in the order asked: who asks keeps the queue.
"""

import os
import signal
import sys
import time
from pathlib import Path
from typing import IO

from agent import worker_frames
from agent.stt import whisper_wire as wire
from agent.stt.whisper_folder import BadModelFolder
from agent.stt.whisper_model import FED_HZ, HearingFailed, WhisperEar


def serve(source: IO[bytes], output: IO[bytes], ear: WhisperEar) -> None:
    """Answer until the input ends. Raises worker_frames.Unreadable: the input is not ours."""
    warming = wire.Hear(0, bytes(FED_HZ * 2), ear.languages[0], timed=False)
    _answer(ear, warming)  # the first run takes longer
    warm = _answer(ear, warming)
    _write(output, wire.Ready(ear.languages, warm.run_ms if isinstance(warm, wire.Heard) else 0.0))
    for body in worker_frames.bodies(source):
        _write(output, _answer(ear, wire.decode_order(body)))


def _answer(ear: WhisperEar, order: wire.Hear) -> wire.Heard | wire.Failed:
    started = time.monotonic()
    try:
        heard = ear.hear(order.pcm, order.language, timed=order.timed)
    except HearingFailed as error:
        return wire.Failed(order.request, str(error))
    run_ms = (time.monotonic() - started) * 1_000
    return wire.Heard(order.request, heard.text, heard.words, heard.confidence, run_ms)


def _write(output: IO[bytes], report: wire.Report) -> None:
    output.write(worker_frames.encode(report))
    output.flush()


def main() -> None:
    """Serve until the input closes; exit status 1 when the model does not load or the input is not ours."""
    # Ctrl-C reaches the whole terminal; the parent decides when its calls, and so this process, are over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints must not write into the frames
    try:
        serve(sys.stdin.buffer, output, WhisperEar(Path(sys.argv[1])))
    except BrokenPipeError:
        pass
    except BadModelFolder as error:
        _write(output, wire.Broken(str(error)))
        os._exit(1)
    except worker_frames.Unreadable as error:
        fault = str(error).replace('"', "'")
        sys.stderr.write(f'{{"level":"error","event":"whisper.worker_failed","cause":"{fault}"}}\n')
        os._exit(1)
    os._exit(0)  # at once: there is nothing to put in order


if __name__ == "__main__":
    main()
