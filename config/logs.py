"""JSON log lines on standard error (S7), set up once where a process starts.

`pii.*` fields (transcripts, numbers, exception texts) are dropped unless the level is debug.
"""

import logging
import sys
from typing import Any, NoReturn

import structlog
from structlog.typing import EventDict, WrappedLogger


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
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format='{"level":"%(levelname)s","event":"%(name)s"}')


def die(process: str, cause: str, **fields: Any) -> NoReturn:
    """Print one structured line that names the cause of a fatal fault, then exit with status 1 (S2)."""
    configure_logs(process, "info")
    structlog.get_logger().critical("process.cannot_start", cause=cause, **fields)
    raise SystemExit(1)
