"""What the CRM says no to: one exception for every business refusal, told apart by its code.

Codes are a contract with API clients; how each maps to HTTP stands in problems.
"""

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """A business rule said no. `details` go to the client: nothing internal, no other person's data."""

    def __init__(self, code: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.details: Mapping[str, Any] = details or {}


def bad_field(field: str, fault: str) -> Refusal:
    """Return the refusal of a request with one wrong field, such as "body.name", which its schema could not tell."""
    return Refusal("invalid_request", {"fields": [{"field": field, "fault": fault}]})
