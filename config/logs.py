"""JSON log lines on standard error (S7), set up once where a process starts.

`pii.*` fields (transcripts, numbers, exception texts) are dropped unless the level is debug. In all other texts, traces
included, mail addresses, telephone and card numbers and CPFs are masked, whatever the level.
"""

import logging
import sys
from typing import Any, Final, NoReturn

import structlog
from structlog.typing import EventDict, WrappedLogger

from config.masks import mask

# Made by us, of figures that could be taken for numbers of people.
KEPT: Final = frozenset({"event", "level", "process", "stream", "timestamp", "trace_id"})
DEPTH_MAX: Final = 4


def configure_logs(process: str, level: str) -> None:
    """Send structlog's lines to standard error as JSON, with the process's name in each."""
    threshold = logging.getLevelNamesMapping()[level.upper()]

    def add_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        if threshold > logging.DEBUG:
            for key in [key for key in event if key.startswith("pii.")]:
                del event[key]
        return event

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            add_process,
            structlog.processors.format_exc_info,
            mask_texts,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format='{"level":"%(levelname)s","event":"%(name)s"}')


def mask_texts(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask what is personal in every text of an event but its ids."""
    for key, value in event.items():
        if key not in KEPT and not key.endswith("_id") and not key.startswith("pii."):
            event[key] = _masked(value, DEPTH_MAX)
    return event


def _masked(value: Any, depth: int) -> Any:
    match value:
        case str():
            return mask(value)
        case dict() if depth:
            return {key: _masked(inner, depth - 1) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [_masked(inner, depth - 1) for inner in value]
        case dict() | list() | tuple() | set() | frozenset():
            return "[deep]"
        case _:
            return value


def die(process: str, cause: str, **fields: Any) -> NoReturn:
    """Print one structured line that names the cause of a fatal fault, then exit with status 1 (S2)."""
    configure_logs(process, "info")
    structlog.get_logger().critical("process.cannot_start", cause=cause, **fields)
    raise SystemExit(1)
