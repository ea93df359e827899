"""The vendor's errors as it words them: REST bodies, and warnings noted on a call. Sans-I/O."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Fault:
    code: int
    message: str
    status: int = 400  # HTTP


class Refused(Exception):
    """A REST request that the carrier does not carry out."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


BAD_PARAMETER: Final = 20001
AUTHENTICATE: Final = Fault(20003, "Authenticate", 401)
TOO_MANY: Final = Fault(20429, "Too Many Requests", 429)
NO_TO: Final = Fault(21201, "No 'To' number is specified")
NO_FROM: Final = Fault(21213, "Caller phone number is required")
BAD_URL: Final = Fault(21205, "Url parameter is required, or is not a valid address")
BAD_CALLBACK: Final = Fault(21609, "Invalid StatusCallback address")
NOT_IN_PROGRESS: Final = Fault(21220, "Call is not in-progress. Cannot redirect.")

# Noted on the call, as the vendor's debugger shows them.
TWIML_FETCH_FAILED: Final = 11200
TWIML_TOO_LARGE: Final = 11750
TWIML_MALFORMED: Final = 12100
TWIML_INVALID: Final = 12200
STREAM_CONNECT_TIMEOUT: Final = 31901
STREAM_HANDSHAKE_REFUSED: Final = 31920
STREAM_CLOSED_BY_SERVER: Final = 31921
STREAM_PROTOCOL_ERROR: Final = 31924
STREAM_CONGESTED: Final = 31930
STREAM_OVERFLOWED: Final = 31931
STREAM_INVALID_MESSAGE: Final = 31951


def bad_to(number: str) -> Fault:
    return Fault(21211, f"The 'To' number {number} is not a valid phone number.")


def bad_from(number: str) -> Fault:
    return Fault(
        21212, f"The 'From' number {number} is not a valid phone number, shortcode, or alphanumeric sender ID."
    )


def bad_parameter(name: str, why: str) -> Fault:
    return Fault(BAD_PARAMETER, f"Invalid parameter {name}: {why}")


def not_found(path: str) -> Fault:
    return Fault(20404, f"The requested resource {path} was not found", 404)


def body(fault: Fault) -> dict[str, Any]:
    """Return the JSON body of an error answer."""
    return {
        "code": fault.code,
        "message": fault.message,
        "more_info": f"https://www.twilio.com/docs/errors/{fault.code}",
        "status": fault.status,
    }
