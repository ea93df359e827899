"""Many files to the disk at once. Blocking: called in a thread.

Waiting for each file's own `fdatasync` costs a journal commit a file: 160 recordings took 550 ms a round and 20 ms of
the core where one `syncfs(2)` of their file system took 10 ms and half a millisecond.
"""

import ctypes
import os
import sys
from collections.abc import Mapping
from typing import Final, TypeVar

FEW: Final = 3  # so many are quicker one by one, and leave other programs' files alone

Owner = TypeVar("Owner")


def flush(files: Mapping[Owner, int]) -> dict[Owner, OSError]:
    """Wait until all that was written to these open files survives a power cut; return whose did not.

    `syncfs` reports that something failed, not what (since Linux 5.8): then each file is asked for itself.
    """
    if len(files) > FEW and all(_synced(handle) for handle in _one_of_each_device(files)):
        return {}
    failed: dict[Owner, OSError] = {}
    for owner, handle in files.items():
        try:
            _wait_for(handle)
        except OSError as error:
            failed[owner] = error
    return failed


def _one_of_each_device(files: Mapping[Owner, int]) -> list[int]:
    return list({os.fstat(handle).st_dev: handle for handle in files.values()}.values())


def _load() -> "ctypes._NamedFuncPointer | None":
    return getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None) if sys.platform == "linux" else None


_SYNCFS: Final = _load()


def _synced(handle: int) -> bool:
    # The interpreter lock is free while it waits.
    return _SYNCFS is not None and _SYNCFS(handle) == 0


def _wait_for(handle: int) -> None:
    (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(handle)
