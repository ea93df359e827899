"""What is refused for being too much, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "too_many_requests": Kind(429, "Too many requests: wait as long as Retry-After says"),
}
