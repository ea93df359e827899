"""What is taken out of logs, what stays, and that no text makes it slow."""

import re
from re import _parser  # the structure of patterns, which nothing public tells
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import masks
from config.masks import is_cpf, mask, passes_luhn


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to ana.silva+x@mail.example.com.br.", "write to [email]"),
        ("a@b.co,c@d.org", "[email],[email]"),
        ("call +1 (202) 555-0142 now", "call [phone] now"),
        ("to=+5511999990000", "to=[phone]"),
        ("(11) 99999-0001, then", "([phone], then"),
        ("5511999990001", "[phone]"),
        ("card 4111 1111 1111 1111.", "card [card]."),
        ("4111-1111-1111-1112", "[number]"),
        ("cpf 529.982.247-25", "cpf [cpf]"),
        ("52998224725", "[cpf]"),
        ("2026-05-04 12:00 by 5511999990001", "2026-05-04 12:00 by [phone]"),
    ],
)
def test_what_is_taken_out(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "01a209fd-af68-7572-9593-a06376443ed5",
        "call 00000000-1111-2222-3333-444444444444 ended",
        "2026-11-23T20:22:41.703221+00:00",
        "2026-11-23 20:22:41",
        "at 192.168.100.200 port 8700",
        'File "crm/app.py", line 12345, in run',
        "user@host",
        "@ @@ a@ @b.c",
        "took 41.703221 s",
    ],
)
def test_what_stays(text: str) -> None:
    assert mask(text) == text


@given(st.emails(), st.text(alphabet=' ,;:<>()[]"\n', max_size=3))
def test_no_mail_address_is_left(address: str, around: str) -> None:
    assert address not in mask(f"x{around} {address} {around}y")


@given(st.integers(10**9, 10**15 - 1), st.sampled_from(["{}", "+{}", "tel:{}", "'{}'"]))
def test_no_telephone_number_is_left(number: int, form: str) -> None:
    assert str(number) not in mask(form.format(number))


@given(st.text(alphabet="a@.+-0123456789 ()/", max_size=200) | st.text(max_size=200))
def test_masking_what_is_masked_changes_nothing(text: str) -> None:
    once = mask(text)
    assert mask(once) == once


@given(st.integers(10**8, 10**9 - 1))
def test_check_digits_tell_one_wrong_digit(number: int) -> None:
    digits = str(number)
    for length in (9, 10):
        total = sum(int(char) * (length + 1 - place) for place, char in enumerate(digits[:length]))
        digits += str(total * 10 % 11 % 10)
    if len(set(digits)) > 1:
        assert is_cpf(digits)
        assert not is_cpf(digits[:-1] + str((int(digits[-1]) + 1) % 10))
    payload = str(number * 10**6)
    [check] = [digit for digit in "0123456789" if passes_luhn(payload + digit)]
    assert not passes_luhn(payload + str((int(check) + 1) % 10))


def test_no_pattern_can_run_away() -> None:
    """By structure: repetitions hold one character at a time, and nothing that could fail follows an unbounded one."""
    patterns = [value for value in vars(masks).values() if isinstance(value, re.Pattern)]
    assert len(patterns) >= 3
    for pattern in patterns:
        _hold(list(_parser.parse(pattern.pattern)), last=True)


def _hold(items: list[tuple[Any, Any]], *, last: bool) -> None:
    for place, (kind, what) in enumerate(items):
        ends = last and place == len(items) - 1
        match str(kind):
            case "MAX_REPEAT" | "MIN_REPEAT":
                _, most, inner = what
                assert [str(part[0]) for part in inner] in (["IN"], ["LITERAL"]), "one character at a time"
                assert int(most) < 100 or ends, "what is unbounded stands last"
            case "SUBPATTERN":
                _hold(list(what[3]), last=ends)
            case "BRANCH":
                for branch in what[1]:
                    _hold(list(branch), last=ends)
            case other:
                assert other in ("IN", "LITERAL"), other


class Counting(str):
    """A text that counts how often one of its characters is looked at."""

    looks = 0

    def __getitem__(self, key: object) -> str:
        if isinstance(key, int):
            Counting.looks += 1
        return super().__getitem__(key)  # type: ignore[index]


@pytest.mark.parametrize("piece", ["a", "@", "a@", "a.", "a@a.", "+", "1", "1-", "@1 ", "a@-"])
def test_a_long_hostile_text_takes_steps_by_its_length(piece: str) -> None:
    looks = []
    for length in (2_000, 4_000):
        Counting.looks = 0
        masks._without_addresses(Counting(piece * (length // len(piece))))
        looks.append(Counting.looks)
    # Twice the text, twice the steps: none is looked at more often than an address is long.
    assert looks[1] <= 2 * looks[0] + 2 * (masks.LOCAL_CHARS_MAX + masks.DOMAIN_CHARS_MAX)
    assert looks[1] <= 4_000 * (masks.LOCAL_CHARS_MAX + 2)
    mask(piece * 500_000)
