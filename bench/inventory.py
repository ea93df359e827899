"""What a server process holds at this moment: what must be given back when calls are over."""

import asyncio
import os
import threading
from pathlib import Path

import msgspec


class Inventory(msgspec.Struct, frozen=True):
    tasks: int
    threads: int
    fds: int
    sockets: int  # of the fds
    rss_bytes: int  # of this process alone
    journals: int  # files
    spool_files: int


def take_inventory(journals: Path, spool: Path) -> Inventory:
    """Count what this process holds; on its event loop. Linux only (proc(5))."""
    links = [_link(name) for name in os.listdir("/proc/self/fd")]
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Inventory(
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        fds=len(links),
        sockets=sum(link.startswith("socket:") for link in links),
        rss_bytes=pages * os.sysconf("SC_PAGE_SIZE"),
        journals=_files(journals),
        spool_files=_files(spool),
    )


def _link(name: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return ""  # the directory's own descriptor, closed by now


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))
