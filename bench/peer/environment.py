"""The virtual environment that pipecat's server runs in: made once under the user's cache, never mixed with ours.

Its packages need no model from a hub and no torch: both of its models come in its wheel. Blocking.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

PEER_VERSION: Final = "1.14"
REQUIREMENTS: Final = (f"pipecat-ai[silero,websocket]=={PEER_VERSION}.*", "uvicorn", "uvloop")
_MAKE_TIMEOUT_S: Final = 900.0  # some 550 MB are fetched
_ASK_TIMEOUT_S: Final = 60.0
_TOLD_LINES: Final = 6
_STAMP: Final = "complete.txt"
_PROBE: Final = """
import json, platform
from importlib.metadata import version
from pipecat.transports.websocket.fastapi import FastAPIWebsocketTransport
names = ("pipecat-ai", "fastapi", "uvicorn", "uvloop", "onnxruntime")
print(json.dumps({"python": platform.python_version(), **{name: version(name) for name in names}}))
"""


class PeerMissing(Exception):
    """There is no environment to run the peer in, and none could be made."""


def cached_environment() -> Path:
    """Return where the environment stands, or will."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "salesos" / "bench" / f"pipecat-{PEER_VERSION}-py{sys.version_info[0]}.{sys.version_info[1]}"


def is_complete(folder: Path) -> bool:
    """Tell whether the environment has been made to its end, by these requirements."""
    try:
        return (folder / _STAMP).read_text() == _stamp()
    except OSError:
        return False


def make(folder: Path) -> Path:
    """Make the environment unless it stands, and return its interpreter. Raises PeerMissing."""
    python = folder / "bin" / "python"
    if is_complete(folder):
        return python
    shutil.rmtree(folder, ignore_errors=True)  # half of one is no use
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS]
    for command in ([sys.executable, "-m", "venv", str(folder)], pip):
        try:
            made = subprocess.run(  # noqa: S603 - our own words
                command, capture_output=True, text=True, timeout=_MAKE_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PeerMissing(_advice(type(error).__name__)) from None
        if made.returncode:
            raise PeerMissing(_advice("\n".join(made.stderr.strip().splitlines()[-_TOLD_LINES:])))
    (folder / _STAMP).write_text(_stamp())
    return python


def versions(python: Path) -> dict[str, str]:
    """Return the versions that an environment has of what matters. Raises PeerMissing when it cannot run the peer."""
    try:
        asked = subprocess.run(  # noqa: S603 - our own words
            [str(python), "-I", "-c", _PROBE], capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
        )
        found = dict(json.loads(asked.stdout))
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise PeerMissing(_advice(f"{python} cannot run pipecat ({type(error).__name__})")) from None
    if not str(found["pipecat-ai"]).startswith(f"{PEER_VERSION}."):
        raise PeerMissing(_advice(f"{python} has pipecat {found['pipecat-ai']}, not {PEER_VERSION}"))
    return found


def _stamp() -> str:
    return "\n".join(REQUIREMENTS)


def _advice(reason: str) -> str:
    names = " ".join(f"'{name}'" for name in REQUIREMENTS)
    return (
        f"pipecat has no environment to run in: {reason}\nIt is made by pip on first use, which needs the package "
        f"index once. Or name the interpreter of one that has {names}: --peer-python PATH"
    )
