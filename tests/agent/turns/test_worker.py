"""smart-turn's process, from its input to its output."""

import io

import pytest

from agent import worker_frames
from agent.turns import judge_wire as wire
from agent.turns import worker
from agent.turns.smart_turn import SmartTurn
from tests.agent.turns.sounds import silence


@pytest.fixture(name="network", scope="module")
def _network() -> SmartTurn:
    return SmartTurn()


def answers(network: SmartTurn, sent: bytes) -> list[wire.Report]:
    output = io.BytesIO()
    worker.serve(io.BytesIO(sent), output, network)
    output.seek(0)
    found = []
    while head := output.read(worker_frames.HEAD.size):
        found.append(wire.decode_report(output.read(worker_frames.body_bytes(head))))
    return found


def test_it_is_warm_first_and_answers_in_order(network: SmartTurn) -> None:
    ready, *judged = answers(network, b"".join(worker_frames.encode(wire.Ask(n, silence(300 * n))) for n in (3, 1, 2)))
    assert isinstance(ready, wire.Ready)
    assert [one.request for one in judged if isinstance(one, wire.Judged)] == [3, 1, 2]


def test_half_a_question_is_no_question(network: SmartTurn) -> None:
    assert len(answers(network, worker_frames.encode(wire.Ask(1, silence(300)))[:-1])) == 1


def test_what_is_not_ours_ends_it(network: SmartTurn) -> None:
    with pytest.raises(worker_frames.Unreadable):
        answers(network, b"GET / HTTP/1.1\r\n\r\n")
