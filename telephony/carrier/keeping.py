"""Keeps the audio of finished calls as WAV files, the newest few hundred of them. Blocking."""

import wave
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from telephony.carrier import ulaw
from telephony.carrier.line import Line

Side = Literal["heard", "said"]
SIDES: Final[tuple[Side, ...]] = ("heard", "said")


def wav_of(line: Line, side: Side) -> bytes:
    """Return one side as 16-bit mono WAV from zero of the call's timeline."""
    sound = line.heard if side == "heard" else line.said
    from_sample = (line.zero_ms or 0) * ulaw.RATE_HZ // 1000
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(ulaw.RATE_HZ)
        file.writeframes(ulaw.decode(bytes(sound[from_sample:])).astype("<i2").tobytes())
    return buffer.getvalue()


def path_of(folder: Path, call_sid: str, side: Side) -> Path:
    return folder / f"{call_sid}.{side}.wav"


def store(folder: Path, call_sid: str, line: Line) -> None:
    """Write both sides. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for side in SIDES:
        path_of(folder, call_sid, side).write_bytes(wav_of(line, side))


def forget(folder: Path, call_sids: Iterable[str]) -> None:
    for call_sid in call_sids:
        for side in SIDES:
            path_of(folder, call_sid, side).unlink(missing_ok=True)


def trim(folder: Path, calls_kept: int) -> None:
    """Remove what earlier runs left, but for the newest calls."""
    files = sorted(folder.glob("CA*.*.wav"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in files[calls_kept * len(SIDES) :]:
        path.unlink(missing_ok=True)
