"""What keys of providers are refused for, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "provider_key_refused": Kind(400, "The provider does not accept this key: nothing was saved"),
    "provider_not_found": Kind(404, "There is no such provider of models or speech"),
    "provider_key_not_found": Kind(404, "The organisation has no key for this provider"),
    "provider_key_blocked": Kind(409, "The provider refuses your own key, and no other may be used: save or check it"),
    "provider_away": Kind(503, "The provider cannot check the key now: nothing was saved"),
    "provider_key_unreadable": Kind(503, "The organisation's key cannot be opened here: save it again"),
}
