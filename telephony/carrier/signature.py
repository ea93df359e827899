"""X-Twilio-Signature, as the carrier makes it. Sans-I/O; deliberately shares nothing with `telephony.twilio`."""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

HEADER: Final = "X-Twilio-Signature"


def sign(auth_token: str, url: str, form: Iterable[tuple[str, str]] = ()) -> str:
    """Return the signature of a request to `url`.

    `form` is the POST body; empty for GET and for a WebSocket handshake, where the URL alone is signed. Values
    of a repeated key count once each, in order of their text.
    """
    values: dict[str, set[str]] = {}
    for key, value in form:
        values.setdefault(key, set()).add(value)
    signed = url + "".join(key + value for key in sorted(values) for value in sorted(values[key]))
    # The vendor's scheme is HMAC-SHA1; it is not ours to choose.
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
