"""What a vendor says it was asked for on a day: from its own interface, or from a file that the operator puts down.

Sans-I/O but for the port. A file is named VENDOR-YYYY-MM-DD.csv or .json; CSV has a first line with the names below,
JSON is a list of objects with them:

    model,requests,prompt_tokens,completion_tokens
"""

import csv
import io
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Protocol

import msgspec

FILE_BYTES_MAX: Final = 1_000_000
SUFFIXES: Final = (".csv", ".json")
# So many tokens apart say nothing: a request at midnight is counted on either day.
SLACK_TOKENS: Final = 1_000

Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: Annotated[str, msgspec.Meta(max_length=200)]
    requests: Count
    prompt_tokens: Count
    completion_tokens: Count


@dataclass(frozen=True, slots=True)
class Report:
    """One vendor's day."""

    requests: int
    tokens: int


class BadReport(ValueError):
    """The file cannot be used; the message names the line or field."""


class ReportUnavailable(Exception):
    """The vendor did not give its report; the message says why, in a word."""


class UsageReports(Protocol):
    """A vendor's own interface to what it was asked for."""

    async def of_day(self, day: date) -> Report:
        """Return the report of one day, UTC. Raises ReportUnavailable."""
        ...


def file_names(vendor: str, day: date) -> tuple[str, ...]:
    return tuple(f"{vendor}-{day.isoformat()}{suffix}" for suffix in SUFFIXES)


def read_report(raw: bytes, suffix: str) -> Report:
    """Return what a file says. Raises BadReport."""
    if len(raw) > FILE_BYTES_MAX:
        raise BadReport(f"more than {FILE_BYTES_MAX} bytes")
    lines = _json_lines(raw) if suffix == ".json" else _csv_lines(raw)
    requests = sum(line.requests for line in lines)
    return Report(requests, sum(line.prompt_tokens + line.completion_tokens for line in lines))


def share_apart(ours: int, theirs: int) -> float:
    """Return theirs less ours as a share of the larger one: from -1 to 1."""
    return (theirs - ours) / max(ours, theirs, 1)


def is_apart(ours: int, theirs: int, share_max: float) -> bool:
    return abs(theirs - ours) > SLACK_TOKENS and abs(share_apart(ours, theirs)) > share_max


def _json_lines(raw: bytes) -> list[Line]:
    try:
        return msgspec.json.decode(raw, type=list[Line])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadReport(str(error)) from None


def _csv_lines(raw: bytes) -> list[Line]:
    try:
        rows = csv.DictReader(io.StringIO(raw.decode("utf-8-sig")), strict=True)
        found = []
        for row in rows:
            try:
                found.append(msgspec.convert(row, Line, strict=False))
            except msgspec.ValidationError as error:
                raise BadReport(f"line {rows.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise BadReport("not UTF-8") from None
    except csv.Error as error:
        raise BadReport(f"not CSV: {error}") from None
    if not found and not rows.fieldnames:
        raise BadReport("empty: the first line must be model,requests,prompt_tokens,completion_tokens")
    missing = [name for name in Line.__struct_fields__ if name not in (rows.fieldnames or ())]
    if missing:
        raise BadReport(f"the first line lacks {', '.join(missing)}")
    return found
