"""What is refused about API keys, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "scope_missing": Kind(403, "The API key has no scope for this"),
    "not_for_keys": Kind(403, "This is for people who sign in, not for API keys"),
    "scope_not_yours": Kind(403, "A scope can be given by those who may do the same themselves"),
    "key_not_found": Kind(404, "There is no such API key"),
    "key_inactive": Kind(409, "The API key is revoked or has expired: make a new one"),
    "too_many_keys": Kind(409, "There are as many active API keys as an organisation may have: revoke some"),
}
