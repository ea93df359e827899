"""Personal data taken out of texts that go to logs (S101): mail addresses, CPF, cards, telephone numbers. Sans-I/O.

Time grows with the length of the text and with nothing else: addresses are found from their "@" outwards, a bounded
way; digits by one class of characters that nothing follows in its pattern, so that no match is ever taken back.
What is masked needlessly costs a reader a look elsewhere; what is not masked is told to everybody who reads logs.
"""

import re
from typing import Final

LOCAL_CHARS_MAX: Final = 64  # RFC 5321 §4.5.3.1
DOMAIN_CHARS_MAX: Final = 255
PHONE_DIGITS: Final = range(10, 16)  # E.164 has 15 at most; without a plus, fewer than 10 are many other things
PHONE_DIGITS_AFTER_PLUS: Final = range(7, 16)
CARD_DIGITS: Final = range(13, 20)  # ISO/IEC 7812
CPF_DIGITS: Final = 11

_LOCAL: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~.")
_DOMAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")
# An id of ours, which is kept; or digits and what people write between them.
_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_IDS_AND_RUNS: Final = re.compile(rf"({_UUID})|\+?[0-9][0-9 ().\-/]*")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")


def mask(text: str) -> str:
    """Return the text with what is personal replaced by what it was: [email], [cpf], [card], [phone], [number]."""
    return _IDS_AND_RUNS.sub(_masked_run, _without_addresses(text))


def passes_luhn(digits: str) -> bool:
    """Whether a card's check digit fits (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def is_cpf(digits: str) -> bool:
    """Whether the two check digits of a CPF fit."""
    if len(digits) != CPF_DIGITS or len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(int(char) * (length + 1 - place) for place, char in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return True


def _without_addresses(text: str) -> str:
    parts, done = [], 0
    at = text.find("@")
    while at >= 0:
        begin = at
        while begin > max(done, at - LOCAL_CHARS_MAX) and text[begin - 1] in _LOCAL:
            begin -= 1
        end = at + 1
        while end < min(len(text), at + 1 + DOMAIN_CHARS_MAX) and text[end] in _DOMAIN:
            end += 1
        if begin < at and "." in text[at:end].rstrip("."):
            parts += [text[done:begin], "[email]"]
            done = end
        at = text.find("@", max(end, at + 1))
    return "".join([*parts, text[done:]])


def _masked_run(found: re.Match[str]) -> str:
    if found[1] is not None:
        return found[1]
    run = found[0]
    date = _DATE.match(run)
    if date is not None:
        # A moment: the rest is judged by itself.
        return date[0] + _masked(run[date.end() :])
    return _masked(run)


def _masked(run: str) -> str:
    digits = _NOT_DIGITS.sub("", run)
    what = _what(digits, run.startswith("+"))
    if what is None or _is_address(run):
        return run
    # What ends a sentence stays where it is.
    return f"[{what}]" + run[len(run.rstrip(" ().-/")) :]


def _what(digits: str, after_plus: bool) -> str | None:
    if len(digits) in CARD_DIGITS and passes_luhn(digits):
        return "card"
    if is_cpf(digits):
        return "cpf"
    if len(digits) in (PHONE_DIGITS_AFTER_PLUS if after_plus else PHONE_DIGITS):
        return "phone"
    return "number" if len(digits) > PHONE_DIGITS[-1] else None


def _is_address(run: str) -> bool:
    """Whether it is an IPv4 address."""
    parts = run.strip(" ").split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) <= 255 for part in parts if len(part) < 4)
