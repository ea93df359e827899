"""Is this request really the carrier's? X-Twilio-Signature on webhooks and on the stream's handshake.

The official SDK's validator does the arithmetic; here is only which URL it must be given: the configured public
address, never what a proxy's headers say.
"""

from collections.abc import Mapping
from typing import Final

from twilio.request_validator import RequestValidator

HEADER: Final = "x-twilio-signature"


class SignatureCheck:
    """One account's check. `required=False` lets everything pass: a setting for loopback only."""

    def __init__(self, auth_token: str, public_url: str, *, required: bool) -> None:
        self._validator = RequestValidator(auth_token)
        self._http_url = public_url.rstrip("/")
        self._ws_url = "ws" + self._http_url.removeprefix("http")
        self._required = required
        self.refused = 0  # read by metrics

    def webhook(self, path: str, form: Mapping[str, str | list[str]], signature: str | None) -> bool:
        """Check a form POST. `path` starts with / and holds the query, if any."""
        return self._check(self._http_url + path, form, signature)

    def handshake(self, path: str, signature: str | None) -> bool:
        """Check a WebSocket handshake: the wss URL without parameters is signed."""
        return self._check(self._ws_url + path, {}, signature)

    def _check(self, url: str, form: Mapping[str, str | list[str]], signature: str | None) -> bool:
        if not self._required:
            return True
        if signature and self._validator.validate(url, dict(form), signature):
            return True
        self.refused += 1
        return False
