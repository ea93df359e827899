"""`salesos doctor`: what this machine lacks, and the remedy for each fault."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent.stt import whisper_folder
from config.settings import Settings
from salesos import ports
from salesos.data_folder import MARKER, is_claimed, read_running
from salesos.doctor_sound import check_sound
from salesos.embedded.engine import EngineFailed
from salesos.embedded.postgres import EmbeddedPostgres
from salesos.embedded.redis import EmbeddedRedis, server_version
from salesos.finding import Finding, Level
from salesos.screen import Screen

PYTHON_MIN: Final = (3, 11)
DISK_MB_NEEDED: Final = 500
DISK_MB_WISHED: Final = 5_000
# The processes of one machine take about 700 MB; a call adds about 10.
MEMORY_MB_NEEDED: Final = 700
MEMORY_MB_WISHED: Final = 1_500
BYTES_PER_MB: Final = 1_000_000
KB_PER_MB: Final = 1_000
VERSION_TIMEOUT_S: Final = 10.0
OPTIONAL_TOOLS: Final = {
    "sox": "listens to and compares recordings in tests: install the package sox",
    "ffprobe": "checks recordings in tests: install the package ffmpeg",
    "chromium": "drives the page in tests: install the package chromium",
}
PACKAGES: Final = {
    "espeakng_loader": "the embedded voice",
    "pocketsphinx": "the embedded recogniser",
    "onnxruntime": "runs the models",
}


def run_doctor(settings: Settings, *, carrier: bool) -> int:
    """Print every finding; the exit status is 1 when one of them is a fault."""
    screen = Screen()
    faults = 0
    for finding in findings(settings, carrier=carrier):
        faults += finding.level is Level.FAULT
        finding.show(screen)
    if faults:
        screen.fail(f"{faults} fault{'s' if faults > 1 else ''} to mend.")
    else:
        screen.good("Nothing stands in the way.")
    return 1 if faults else 0


def findings(settings: Settings, *, carrier: bool) -> Iterator[Finding]:
    yield check_python()
    yield check_uv()
    yield from check_packages()
    yield check_model()
    yield from check_whisper(settings)
    yield from check_folder(settings)
    yield from check_ports(settings)
    yield from check_sound(settings)
    yield check_disk(settings.data_dir)
    yield check_memory()
    yield from check_engines(settings)
    for tool, use in OPTIONAL_TOOLS.items():
        path = shutil.which(tool)
        yield Finding.ok(tool, path) if path else Finding.hint(tool, "not found (optional)", use)
    if carrier:
        from salesos.doctor_carrier import check_carrier

        yield from check_carrier(settings)


def check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON_MIN:
        return Finding.fault(
            "python", version, "install Python 3.11 or newer, then `make clean setup PYTHON=python3.11`"
        )
    return Finding.ok("python", version)


def check_uv() -> Finding:
    beside = Path(sys.executable).with_name("uv")
    path = str(beside) if beside.exists() else shutil.which("uv")
    if path is None:
        return Finding.hint("uv", "not found", "needed to install and update only: `make setup` brings it")
    result = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=VERSION_TIMEOUT_S, check=False)
    return Finding.ok("uv", result.stdout.strip())


def check_packages() -> Iterator[Finding]:
    for package, use in PACKAGES.items():
        if importlib.util.find_spec(package) is None:
            yield Finding.fault(package, f"missing ({use})", "run `make setup`")
        else:
            yield Finding.ok(package, use)


def check_model() -> Finding:
    """The voice activity model lies inside another package's wheel, which may move it."""
    spec = importlib.util.find_spec("pipecat")
    roots = spec.submodule_search_locations if spec else None
    for root in roots or ():
        for path in Path(root).rglob("silero_vad*.onnx"):
            return Finding.ok("silero_vad.onnx", str(path))
    return Finding.fault("silero_vad.onnx", "not found in pipecat-ai's wheel", "run `make setup`")


def check_whisper(settings: Settings) -> Iterator[Finding]:
    if settings.whisper_model:
        folder = Path(settings.whisper_model)
        try:
            whisper_folder.check_folder(folder)
        except whisper_folder.BadModelFolder as error:
            remedy = "name a folder with a model converted for faster-whisper, or leave the setting empty"
            yield Finding.fault("whisper", str(error), remedy)
        else:
            yield Finding.ok("whisper", str(folder))


def check_folder(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir.absolute()
    parent = next(folder for folder in (path, *path.parents) if folder.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        yield Finding.fault("data folder", f"{path} cannot be written", "set SALESOS_DATA_DIR to a folder of yours")
    elif path.exists() and any(path.iterdir()) and not (path / MARKER).exists():
        yield Finding.fault("data folder", f"{path} holds other files", "set SALESOS_DATA_DIR to another folder")
    else:
        yield Finding.ok("data folder", str(path))


def check_ports(settings: Settings) -> Iterator[Finding]:
    path = settings.data_dir.absolute()
    if is_claimed(path):
        running = read_running(path)
        yield Finding.ok("ports", f"in use by the running Sales OS (process {running.pid if running else '?'})")
        return
    wanted = ports.wanted(settings)
    faults = ports.faults(settings.host, wanted)
    for fault in faults:
        what, _, remedy = fault.partition(": ")
        yield Finding.fault("ports", what, remedy)
    if not faults:
        yield Finding.ok("ports", ", ".join(map(str, wanted.values())) + " are free")


def check_disk(data_dir: Path) -> Finding:
    path = data_dir.absolute()
    parent = next(folder for folder in (path, *path.parents) if folder.exists())
    free_mb = shutil.disk_usage(parent).free // BYTES_PER_MB
    remedy = "recordings grow by 115 MB an hour of call: free some space or move SALESOS_DATA_DIR"
    return _by_size("disk", free_mb, DISK_MB_NEEDED, DISK_MB_WISHED, remedy)


def check_memory() -> Finding:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(line for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return Finding.hint("memory", "not known on this system", "1.5 GB free are enough")
    free_mb = int(available.split()[1]) // KB_PER_MB
    return _by_size("memory", free_mb, MEMORY_MB_NEEDED, MEMORY_MB_WISHED, "end other programs")


def check_engines(settings: Settings) -> Iterator[Finding]:
    """Start the embedded engines for real, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="salesos-doctor-") as folder:
        if settings.database_url is None:
            postgres = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
            try:
                postgres.start()
                yield Finding.ok("postgres", "the embedded one starts")
            except EngineFailed as error:
                yield Finding.fault("postgres", str(error), "or use your own: SALESOS_DATABASE_URL")
            finally:
                postgres.stop()
        if settings.redis_url is None:
            redis = EmbeddedRedis(Path(folder) / "redis")
            try:
                redis.start()
                yield Finding.ok("redis", server_version().split(" sha=")[0])
            except EngineFailed as error:
                yield Finding.fault("redis", str(error), "or use your own: SALESOS_REDIS_URL")
            finally:
                redis.stop()
    yield from _check_own_services(settings)


def _check_own_services(settings: Settings) -> Iterator[Finding]:
    if settings.database_url is not None:
        import psycopg

        url = settings.database_url.get_secret_value().replace("postgresql+psycopg://", "postgresql://")
        try:
            with psycopg.connect(url, connect_timeout=5):
                yield Finding.ok("database", "SALESOS_DATABASE_URL answers")
        except psycopg.Error as error:
            yield Finding.fault("database", type(error).__name__, "check SALESOS_DATABASE_URL: address, role, password")
    if settings.redis_url is not None:
        import redis

        try:
            url = settings.redis_url.get_secret_value()
            with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
                client.ping()
                yield Finding.ok("redis", "SALESOS_REDIS_URL answers")
        except (redis.RedisError, ValueError) as error:
            yield Finding.fault("redis", type(error).__name__, "check SALESOS_REDIS_URL: address, password")


def _by_size(name: str, free_mb: int, needed_mb: int, wished_mb: int, remedy: str) -> Finding:
    detail = f"{free_mb:,} MB free"
    if free_mb < needed_mb:
        return Finding.fault(name, f"{detail}, {needed_mb:,} are needed", remedy)
    if free_mb < wished_mb:
        return Finding.hint(name, f"{detail}, {wished_mb:,} are better", remedy)
    return Finding.ok(name, detail)
