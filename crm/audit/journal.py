"""Where audit entries wait, on this machine's disk, until the database has them.

An entry is a line, appended by one short write into the kernel's cache: it waits for no disk, and outlives the
process that wrote it. A file belongs to the process that holds its lock; what a dead process left is taken up by the
next one that looks. Full or unwritable, it loses entries, counts them and says so: no request fails for its log.
"""

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Final

import structlog

from events.ids import new_id

BYTES_MAX: Final = 64 * 2**20  # of one process; some 150 000 entries

log = structlog.get_logger()


class Journal:
    """Not for use from several threads at once. Makes nothing before the first entry."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, int] = {}  # ours, with their locks
        self._current: Path | None = None
        self._bytes = 0
        self.lost = 0

    def append(self, entry: dict[str, Any]) -> None:
        """Keep an entry. Never raises: what cannot be kept is lost and counted."""
        line = json.dumps(entry, default=str).encode() + b"\n"
        try:
            if self._bytes + len(line) > BYTES_MAX:
                raise OSError("the audit journal is full")
            if self._current is None:
                self._current = self._begin()
            self._bytes += os.write(self._files[self._current], line)
        except OSError as error:
            if not self.lost:
                log.critical("audit.entries_lost", error=type(error).__name__)
            self.lost += 1

    def take(self) -> list[Path]:
        """Return the files to be read, the oldest first; nothing more is added to them."""
        self._current = None
        if self._folder.is_dir():
            for path in self._folder.glob("*.ndjson"):
                if path not in self._files:
                    self._adopt(path)
        return sorted(self._files)

    def read(self, path: Path) -> list[dict[str, Any]]:
        """Return the entries of a file; a line that a crash cut short is left out."""
        found = []
        for line in path.read_bytes().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                log.warning("audit.torn_line")
                continue
            found.append(entry)
        return found

    def drop(self, path: Path) -> None:
        """Forget a file: the database has what was in it."""
        self._bytes = max(0, self._bytes - path.stat().st_size)
        path.unlink()
        os.close(self._files.pop(path))
        self.lost = 0

    def close(self) -> None:
        """Leave what waits to the next process."""
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()
        self._current = None

    def _begin(self) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{new_id()}.ndjson"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        # Somebody who looks through the folder just now may hold it for a moment, and finds nothing in it.
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        self._files[path] = descriptor
        return path

    def _adopt(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return
        if not path.exists() or not path.stat().st_size:
            # Done by its owner just now, or begun by its owner just now.
            os.close(descriptor)
            return
        self._files[path] = descriptor
