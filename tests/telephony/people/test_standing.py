"""Who may not be in a call any more is out of it; whom nobody can judge stays."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from events.standing import PEOPLE_MAX, STANDING_PATH, Gone, StandingAnswer, StandingQuestion
from events.ticket import Seat
from telephony.call.person_acts import Leave
from telephony.people.figures import PeopleFigures
from telephony.people.standing import ASK_EVERY_S, keep_asking
from tests.telephony.people.test_presence import FakeCall, Hall, ticket
from tests.virtual_clock import run_virtual

Answer = Callable[[StandingQuestion], httpx.Response]


class House:
    """People in a call, and the CRM that is asked about them."""

    def __init__(self, answer: Answer) -> None:
        self.hall, self.call, self.figures = Hall(), FakeCall(), PeopleFigures()
        self.asked: list[StandingQuestion] = []
        self.answer = answer

    def crm(self, request: httpx.Request) -> httpx.Response:
        assert request.url.path == STANDING_PATH
        self.asked.append(msgspec.json.decode(request.content, type=StandingQuestion))
        return self.answer(self.asked[-1])

    async def live(self, seconds: float) -> None:
        crm = httpx.AsyncClient(transport=httpx.MockTransport(self.crm), base_url="http://crm.test")
        async with crm, asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(keep_asking(self.hall.presences, crm, self.figures))
            await asyncio.sleep(seconds)
            asking.cancel()


def play(scene: Callable[[House], Awaitable[None]], answer: Answer) -> House:
    async def main() -> House:
        house = House(answer)
        await scene(house)
        return house

    return run_virtual(main())


def says(*gone: Gone | None) -> Answer:
    return lambda _question: httpx.Response(200, content=msgspec.json.encode(StandingAnswer(gone)))


def test_who_is_signed_out_leaves_with_a_word_and_the_others_stay() -> None:
    async def scene(house: House) -> None:
        call = house.call
        _, out = house.hall.enter(ticket(call), call)
        _, stays = house.hall.enter(ticket(call, seat=Seat.SUPERVISOR), call)
        await house.live(ASK_EVERY_S + 0.5)
        assert (out.ends, stays.ends) == (["signed_out"], [])

    house = play(scene, says(Gone.SIGNED_OUT, None))
    assert house.call.acts == [Leave()]
    assert [(one.seat, one.session_id is not None) for one in house.asked[0].people] == [
        (Seat.REP, True),
        (Seat.SUPERVISOR, True),
    ]
    assert house.figures.sent_away == {"signed_out": 1}


def test_whose_page_is_away_is_sent_away_too_and_cannot_come_back() -> None:
    async def scene(house: House) -> None:
        here, page = house.hall.enter(ticket(house.call), house.call)
        token = here.rejoin
        house.hall.presences.closed(here, page)
        await house.live(ASK_EVERY_S + 0.5)
        assert house.hall.presences.back(token) is None

    assert play(scene, says(Gone.NOT_ALLOWED)).call.acts[-1] == Leave()


def test_who_has_come_again_meanwhile_is_not_taken_for_who_they_were() -> None:
    async def scene(house: House) -> None:
        mine = ticket(house.call)
        _, page = house.hall.enter(mine, house.call)

        def comes_again(_question: StandingQuestion) -> httpx.Response:
            house.hall.enter(ticket(house.call, mine.user_id), house.call)
            house.answer = says(None)
            return says(Gone.SIGNED_OUT)(_question)

        house.answer = comes_again
        await house.live(2 * ASK_EVERY_S + 0.5)
        assert page.ends == ["replaced"]
        assert len(house.hall.presences) == 1

    assert len(play(scene, says(None)).asked) == 2


def _away(_question: StandingQuestion) -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    "answer",
    [
        _away,
        lambda _question: httpx.Response(503),
        lambda _question: httpx.Response(200, content=b"<html>"),
        lambda _question: httpx.Response(200, content=b'{"gone":["because"]}'),
        says(),
        says(Gone.SIGNED_OUT, Gone.SIGNED_OUT),
    ],
)
def test_while_nobody_can_say_everybody_stays(answer: Any) -> None:
    async def scene(house: House) -> None:
        _, page = house.hall.enter(ticket(house.call), house.call)
        await house.live(ASK_EVERY_S + 0.5)
        assert page.ends == []
        house.answer = says(Gone.SIGNED_OUT)
        await house.live(ASK_EVERY_S + 0.5)
        assert page.ends == ["signed_out"], "known as soon as it can be"

    play(scene, answer)


def test_nobody_is_asked_about_when_nobody_is_there_and_many_are_asked_about_in_pieces() -> None:
    async def scene(house: House) -> None:
        await house.live(ASK_EVERY_S + 0.5)
        assert house.asked == []
        for _ in range(PEOPLE_MAX + 1):
            house.hall.enter(ticket(house.call), house.call)
        await house.live(ASK_EVERY_S + 0.5)

    def answer(question: StandingQuestion) -> httpx.Response:
        return says(*[None] * len(question.people))(question)

    assert [len(question.people) for question in play(scene, answer).asked] == [PEOPLE_MAX, 1]
