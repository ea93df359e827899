"""The vendor's published vectors, and its own validator as the judge."""

from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from telephony.carrier.signature import sign

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


def test_published_vectors() -> None:
    assert sign(TOKEN, URL, FORM) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert sign(TOKEN, URL.replace(".com/", ".com:443/"), FORM) == "kvajT1Ptam85bY51eRf/AJRuM3w="
    assert sign(TOKEN, "wss://mycompany.com/media") == "okykUWKkAOgQseVjzERZh4soLeU="


def test_repeated_values_count_once_in_order_of_their_text() -> None:
    assert sign(TOKEN, URL, [("a", "2"), ("a", "1"), ("a", "2")]) == sign(TOKEN, URL, [("a", "1"), ("a", "2")])


@given(st.dictionaries(TEXT.filter(bool), TEXT, max_size=6))
def test_the_vendors_validator_accepts_every_form(form: dict[str, str]) -> None:
    validator = RequestValidator(TOKEN)
    assert validator.validate(URL, form, sign(TOKEN, URL, list(form.items())))
    assert not validator.validate(URL, {**form, "More": "x"}, sign(TOKEN, URL, list(form.items())))
