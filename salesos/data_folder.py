"""The folder that holds everything `salesos up` keeps: who owns it, who runs in it, and emptying it.

A marker file says that the folder is ours (only such a folder is ever emptied), and carries the lock: one running
system at a time. `run.json` tells other commands where the running system is.
"""

import fcntl
import json
import os
import secrets
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Final

MARKER: Final = "this-is-salesos-data"
RUN_FILE: Final = "run.json"
KEYS_FILE: Final = "keys.json"
# Bytes of chance in each; the password is typed by people, so it is the shortest that is still safe.
OWN_KEYS: Final = {"secret_key": 32, "internal_key": 32, "demo_password": 12}
MARKER_TEXT: Final = "Sales OS keeps its data here. `salesos up --fresh` empties this folder.\n"


class FolderRefused(Exception):
    """The folder cannot be used; the message says why and what helps."""


@dataclass(frozen=True, slots=True)
class Running:
    """Where the running system is, for other commands of the same user."""

    pid: int
    crm: str
    voice: str
    carrier: str  # empty when the carrier is not the one in the box
    email: str
    password: str
    children: dict[str, int] = field(default_factory=dict)  # name to process id
    ready: bool = False


class DataFolder:
    """The folder, claimed by this process until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self._lock: IO[str] | None = None

    def claim(self, *, fresh: bool) -> Running | None:
        """Take the folder for this process; return what a killed predecessor left noted, if any.

        Raises:
            FolderRefused: it is in use, is not ours, or cannot be written.
        """
        marker = self.path / MARKER
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not marker.exists():
                if any(self.path.iterdir()):
                    raise FolderRefused(
                        f"{self.path} holds files that are not ours: choose another folder with SALESOS_DATA_DIR"
                    )
                marker.write_text(MARKER_TEXT)
            self._lock = marker.open("r+")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise FolderRefused(self._who_runs()) from None
        except OSError as error:
            raise FolderRefused(
                f"{self.path} cannot be used ({error.strerror}): choose another folder with SALESOS_DATA_DIR"
            ) from None
        left_behind = read_running(self.path)
        if fresh and left_behind is None:
            self.empty()
        return left_behind

    def empty(self) -> None:
        """Delete everything in the folder but the marker, which holds the lock."""
        for item in self.path.iterdir():
            if item.name == MARKER:
                continue
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()

    def release(self) -> None:
        """Let the next one have it. Safe to repeat."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def note_running(self, running: Running) -> None:
        """Tell other commands of this user where the system is."""
        write_private(self.path / RUN_FILE, json.dumps(asdict(running), indent=1))

    def forget_running(self) -> None:
        (self.path / RUN_FILE).unlink(missing_ok=True)

    def keys(self) -> dict[str, str]:
        """Return this folder's own secrets, made at first use: nobody has to invent any to start."""
        path = self.path / KEYS_FILE
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in OWN_KEYS if name not in kept]
        if missing:
            kept |= {name: secrets.token_urlsafe(OWN_KEYS[name]) for name in missing}
            write_private(path, json.dumps(kept))
        return kept

    def _who_runs(self) -> str:
        running = read_running(self.path)
        who = f"process {running.pid}, {running.crm}" if running else "it is starting or stopping now"
        return f"another Sales OS already uses {self.path} ({who}): stop it, or set SALESOS_DATA_DIR to another folder"


def read_running(path: Path) -> Running | None:
    """Return what `run.json` says; None when there is none, or nothing that we can read."""
    try:
        return Running(**json.loads((path / RUN_FILE).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def own_key(path: Path, name: str) -> str:
    """Return a secret that the folder has made for itself; empty when there is none, or nothing that we can read."""
    try:
        return str(json.loads((path / KEYS_FILE).read_text())[name])
    except (OSError, ValueError, TypeError, KeyError):
        return ""


def is_claimed(path: Path) -> bool:
    """Say whether a process holds the folder now."""
    try:
        with (path / MARKER).open("r+") as marker:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    unfinished.rename(path)
