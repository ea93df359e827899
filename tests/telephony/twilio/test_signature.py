"""The vendor's published vectors (docs: facts on X-Twilio-Signature), and what must be refused."""

from telephony.twilio.signature import SignatureCheck

TOKEN = "12345"
PARAMETERS: dict[str, str | list[str]] = {
    "CallSid": "CA1234567890ABCDE",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
    "Caller": "+14158675309",
}
PATH = "/myapp.php?foo=1&bar=2"


def check(*, required: bool = True) -> SignatureCheck:
    return SignatureCheck(TOKEN, "https://mycompany.com", required=required)


def test_the_vendors_vectors_pass() -> None:
    assert check().webhook(PATH, PARAMETERS, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert check().handshake("/media", "okykUWKkAOgQseVjzERZh4soLeU=")


def test_a_changed_parameter_a_wrong_path_and_no_signature_are_refused_and_counted() -> None:
    checks = check()
    assert not checks.webhook(PATH, {**PARAMETERS, "Digits": "9999"}, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not checks.webhook("/other", PARAMETERS, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not checks.webhook(PATH, PARAMETERS, None)
    assert not checks.handshake("/media", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert checks.refused == 4


def test_it_can_be_switched_off() -> None:
    assert check(required=False).webhook(PATH, PARAMETERS, None)
