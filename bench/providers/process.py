"""The providers' process: started before the server that asks them, ended with it."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

STOP_TIMEOUT_S: Final = 5.0


@contextlib.contextmanager
def provider_process() -> Generator[str]:
    """Run bench/providers/server.py while the context is open; gives its address. Blocking.

    Raises:
        RuntimeError: it ended before it said where it is.
    """
    environment = os.environ | {"SALESOS_PARENT_PID": str(os.getpid())}
    words = [sys.executable, "-m", "bench.providers.server"]
    process = subprocess.Popen(  # noqa: S603 - our own program
        words, stdout=subprocess.PIPE, env=environment, cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the providers' process ended before it was ready")
        yield str(json.loads(line)["url"])
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
