"""The gate: every reason against a call, the one to answer first."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from crm.compliance.gate import Question, Reason, e164, judge
from crm.compliance.hours import ANY_TIME, Timing, When
from crm.compliance.rules import Rules

RULES = Rules(60, frozenset({PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST}), frozenset({"US", "GB", "BR"}))


def ask(number: str = "+12025550142", *, found: bool = True, listed: bool = False, fundable_s: int = 60) -> Question:
    return Question(number, found, listed, fundable_s, ANY_TIME)


@pytest.mark.parametrize("number", ["+12025550142", "+442079460000", "+5511999990000", "+18005551212"])
def test_an_ordinary_number_may_be_called(number: str) -> None:
    assert judge(ask(number), RULES).allowed


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("", Reason.NUMBER_INVALID),
        ("hello", Reason.NUMBER_INVALID),
        ("2025550142", Reason.NUMBER_INVALID),
        ("+1202555", Reason.NUMBER_INVALID),
        ("+9999999999999", Reason.NUMBER_INVALID),
        ("911", Reason.NUMBER_KIND_REFUSED),
        ("+1911", Reason.NUMBER_KIND_REFUSED),
        ("112", Reason.NUMBER_KIND_REFUSED),
        ("+44999", Reason.NUMBER_KIND_REFUSED),
        ("+55190", Reason.NUMBER_KIND_REFUSED),
        ("20212", Reason.NUMBER_KIND_REFUSED),  # an SMS short code
        ("+120212", Reason.NUMBER_INVALID),
        ("+19005551234", Reason.NUMBER_KIND_REFUSED),  # premium
        ("+16135550142", Reason.COUNTRY_NOT_ALLOWED),  # Canada: the same +1
        ("+18095550123", Reason.COUNTRY_NOT_ALLOWED),  # Dominican Republic: the same +1
        ("+4930123456", Reason.COUNTRY_NOT_ALLOWED),
        ("+80012345678", Reason.COUNTRY_NOT_ALLOWED),  # of no country
    ],
)
def test_a_number_that_may_not_be_called(number: str, reason: Reason) -> None:
    assert judge(ask(number), RULES).reasons == (reason,)


def test_each_other_reason() -> None:
    assert judge(ask(listed=True), RULES).reasons == (Reason.DO_NOT_CALL,)
    assert judge(ask(fundable_s=59), RULES).reasons == (Reason.NO_CREDIT,)
    assert judge(ask("", found=False), RULES).reasons == (Reason.LEAD_NOT_FOUND,)


@pytest.mark.parametrize(("live", "most", "allowed"), [(0, 1, True), (1, 1, False), (3, 2, False), (10**6, None, True)])
def test_a_plan_limits_calls_at_a_time(live: int, most: int | None, *, allowed: bool) -> None:
    verdict = judge(replace(ask(), calls_live=live, calls_max=most), RULES)
    assert verdict.reasons == (() if allowed else (Reason.TOO_MANY_CALLS,))


@pytest.mark.parametrize(
    ("when", "reasons"),
    [
        (When.OPEN, ()),
        (When.CLOSED, (Reason.OUTSIDE_CALLING_HOURS,)),
        (When.UNKNOWN, (Reason.TIME_ZONE_UNKNOWN,)),
    ],
)
def test_an_hour_to_call_at(when: When, reasons: tuple[Reason, ...]) -> None:
    assert judge(replace(ask(), timing=Timing(when)), RULES).reasons == reasons
    wrong = judge(replace(ask("+1202555"), timing=Timing(when)), RULES).reasons
    assert wrong == (Reason.NUMBER_INVALID,), "of a number that is none nobody asks what time it is there"


def test_all_reasons_are_told_and_do_not_call_first() -> None:
    assert judge(ask("+4930123456", listed=True, fundable_s=0), RULES).reasons == (
        Reason.DO_NOT_CALL,
        Reason.COUNTRY_NOT_ALLOWED,
        Reason.NO_CREDIT,
    )


def test_a_number_has_one_form() -> None:
    assert e164("+1 (202) 555-0142") == "+12025550142"
    assert e164("202 555 0142") is None


@given(st.text(max_size=30) | st.from_regex(r"\+[0-9]{1,18}", fullmatch=True))
def test_any_text_gets_a_verdict(number: str) -> None:
    """Whatever is given as a number, the gate answers and never lets an unparsable one pass."""
    if judge(ask(number), RULES).allowed:
        assert e164(number) is not None
