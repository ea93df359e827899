"""Stands between us and a child program: sets what only the child itself can set, then becomes the program.

Run by its path with `python -I -S`, so it imports only the standard library and nothing of ours. It
- asks the kernel for a signal when the process that started it ends, so that `kill -9` leaves nothing behind;
- leaves root for programs that refuse it: by a user namespace (no account and no change of ownership needed),
  or by switching to another user.

A `preexec_fn` could do the same, but forks of a process with threads may hang in it.
"""

import argparse
import ctypes
import os
import signal
import sys
from pathlib import Path
from typing import Final

CLONE_NEWUSER: Final = 0x10000000
PR_SET_PDEATHSIG: Final = 1
# Any number but 0 would do: the program only asks that it is not root.
UID_INSIDE: Final = 1000
EXIT_NO_NAMESPACE: Final = 71
EXIT_PARENT_GONE: Final = 72
EXIT_NO_PROGRAM: Final = 127


def main(arguments: list[str]) -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--parent", type=int, required=True, help="process id of whoever starts us")
    options.add_argument("--death-signal", type=int, required=True, help="sent to the program when the parent ends")
    options.add_argument("--user", default="keep", help="keep, namespace, or UID:GID")
    options.add_argument("program", nargs=argparse.REMAINDER)
    chosen = options.parse_args(arguments)
    program = chosen.program[1:] if chosen.program[:1] == ["--"] else chosen.program

    if chosen.user == "namespace":
        enter_user_namespace()
    elif chosen.user != "keep":
        uid, gid = (int(part) for part in chosen.user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    # After the change of user, which clears it.
    die_with_parent(chosen.parent, chosen.death_signal)
    # Terminals send Ctrl-C to the whole foreground group; the supervisor alone decides the order of stopping.
    os.setpgid(0, 0)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(program[0], program)  # noqa: S606 - becoming another program is what this file is for
    except OSError as error:
        print(f"cannot start {program[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - no logger exists here
        raise SystemExit(EXIT_NO_PROGRAM) from None


def enter_user_namespace() -> None:
    """Become an ordinary user in the program's eyes while files stay owned by whoever we are."""
    uid, gid = os.geteuid(), os.getegid()
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWUSER) != 0:
        error = os.strerror(ctypes.get_errno())
        print(f"user namespace refused: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(EXIT_NO_NAMESPACE)
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{UID_INSIDE} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{UID_INSIDE} {gid} 1")
    except OSError as error:
        print(f"user namespace refused: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(EXIT_NO_NAMESPACE) from None


def die_with_parent(parent: int, death_signal: int) -> None:
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
    # The parent may have ended before the request was made.
    if os.getppid() != parent:
        raise SystemExit(EXIT_PARENT_GONE)


if __name__ == "__main__":
    main(sys.argv[1:])
