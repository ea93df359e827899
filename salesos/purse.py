"""`salesos credits`: an organisation's balances and plan, credits put in, and refunds, by the operator."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from config.settings import Settings
from salesos.api import ApiRefused, ApiUnreachable
from salesos.call_view import credits_of
from salesos.operator import Asks, operator
from salesos.screen import Screen

MILLI: Final = 1_000
HEADINGS: Final = ("account", "credits")


class BadWish(Exception):
    """What was asked for makes no sense; the text says what to do instead."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The command's arguments, as they were typed."""

    organisation: str
    add: str = ""
    reference: str = ""
    refund: str = ""
    amount: str = ""
    reason: str = ""
    plan: str = ""
    price: str = ""
    since: str = ""


def run_credits(settings: Settings, wish: Wish) -> int:
    """Do it and print the balances after; return 1 when the CRM says no or does not answer, 2 for a bad wish."""
    screen = Screen(to_stderr=False)
    try:
        with operator(settings) as ask:
            _do(wish, ask, screen)
            balances = ask("GET", f"{_root(wish)}/credits", "reading the balances")["balances"]
    except BadWish as fault:
        screen.fail(str(fault))
        return 2
    except (ApiRefused, ApiUnreachable) as error:
        screen.fail(str(error))
        return 1
    screen.table("Balances", HEADINGS, [(account, credits_of(held)) for account, held in balances.items()])
    return 0


def _do(wish: Wish, ask: Asks, screen: Screen) -> None:
    root = _root(wish)
    if sum(map(bool, (wish.add, wish.refund, wish.plan, wish.price))) > 1:
        raise BadWish("Give one of --add, --refund, --plan and --price.")
    if wish.add:
        if not wish.reference:
            raise BadWish(
                "Give --reference too, such as the invoice's number: it keeps credits from being put in twice."
            )
        body: dict[str, Any] = {"amount": milli(wish.add, "--add"), "reference": wish.reference}
        told = ask("POST", f"{root}/credits", "putting credits in", body)
        screen.say("Put in." if told["booked"] else "Nothing was put in: this reference was booked before.")
    elif wish.refund:
        if not wish.reason.strip():
            raise BadWish("Give --reason too: it is kept with the refund.")
        body = {"reason": wish.reason}
        if wish.amount:
            body["amount"] = milli(wish.amount, "--amount")
        told = ask("POST", f"{root}/calls/{quote(wish.refund, safe='')}/refunds", "giving credits back", body)
        screen.say(f"Given back: {credits_of(told['amount'])}.")
    elif wish.plan:
        told = ask("PUT", f"{root}/plan", "changing the plan", {"plan": wish.plan})
        screen.say(f"The plan is {told['plan']}.")
    elif wish.price:
        told = ask("POST", f"{root}/prices", "changing the price", _price(wish))
        screen.say(
            "Prices now: " + ", ".join(f"{name} {credits_of(one)}" for name, one in told["prices"].items()) + "."
        )
    elif wish.reference or wish.amount or wish.reason or wish.since:
        raise BadWish("--reference goes with --add; --amount and --reason go with --refund; --since with --price.")


def _price(wish: Wish) -> dict[str, Any]:
    resource, _, amount = wish.price.partition("=")
    if not resource or not amount:
        raise BadWish("--price must be RESOURCE=CREDITS, such as voice_minute=8, or RESOURCE=plan.")
    body: dict[str, Any] = {"resource": resource, "price": None if amount == "plan" else milli(amount, "--price")}
    return body | ({"from": wish.since} if wish.since else {})


def milli(text: str, option: str) -> int:
    """Return credits as thousandths. Raises BadWish."""
    try:
        exact = Decimal(text) * MILLI
    except InvalidOperation:
        exact = Decimal(0)
    if not exact.is_finite() or exact <= 0 or exact != exact.to_integral_value():
        raise BadWish(f"{option} must be a positive number of credits, to a thousandth at most, such as 12.5.")
    return int(exact)


def _root(wish: Wish) -> str:
    try:
        return f"/internal/organisations/{UUID(wish.organisation)}"
    except ValueError:
        raise BadWish("The organisation is named by its id, as GET /api/organisation tells it.") from None
