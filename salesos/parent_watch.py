"""A process that the supervisor started ends by itself when the supervisor is gone.

The kernel's death signal (salesos/embedded/launch.py) asks politely; this thread makes sure. It is also what works
where that signal does not exist.
"""

import os
import signal
import threading
import time
from typing import Final

PARENT_VARIABLE: Final = "SALESOS_PARENT_PID"
POLL_S: Final = 0.5
# Long enough to end a call politely and sync the journal, short enough for the next start not to find us.
GRACE_S: Final = 8.0
EXIT_ORPHANED: Final = 70


def start() -> None:
    """Watch the parent that the environment names; without one, do nothing."""
    parent = os.environ.get(PARENT_VARIABLE, "")
    if parent.isdigit():
        threading.Thread(target=_watch, args=(int(parent),), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_S)
    os._exit(EXIT_ORPHANED)
