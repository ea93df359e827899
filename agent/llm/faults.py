"""What a vendor's refusal means, from its HTTP status and headers: one table for all vendors. Sans-I/O."""

from collections.abc import Mapping
from typing import Final

from agent.llm.port import Failure, ModelUnavailable

RETRY_AFTER_MAX_S: Final = 3600.0  # a vendor that says more is believed no further


def refusal(vendor: str, status: int, headers: Mapping[str, str]) -> ModelUnavailable:
    """Return the error for an answer with that status. Its body is left out: vendors quote keys and prompts in it."""
    failure = failure_of(status)
    return ModelUnavailable(f"{vendor}: {failure} (HTTP {status})", failure, retry_after_s(headers))


def failure_of(status: int) -> Failure:
    match status:
        case 401 | 403 | 402:  # 402: the account behind the key has no credit
            return Failure.REFUSED_KEY
        case 429:
            return Failure.RATE_LIMITED
        case 408:
            return Failure.TIMEOUT
        case _ if 400 <= status < 500:
            return Failure.REFUSED_REQUEST
        case _:
            return Failure.UNAVAILABLE


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a vendor asks to wait; a date, or anything else, counts as not said."""
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return min(seconds, RETRY_AFTER_MAX_S) if seconds >= 0 else None
