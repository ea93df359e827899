"""How long a question to smart-turn would wait, by what is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.queue_time import QUEUE_MAX_S, QueueTime


def test_an_idle_worker_is_asked_and_a_busy_one_is_not_until_it_is_nearly_done() -> None:
    queue = QueueTime()
    assert queue.may_ask(0.0)
    queue.asked(0.0)
    assert not queue.may_ask(0.01)
    assert queue.may_ask(queue.run_s - QUEUE_MAX_S + 0.001)


def test_two_questions_wait_for_each_other() -> None:
    queue = QueueTime()
    queue.asked(0.0)
    queue.asked(0.05)
    assert queue.wait_s(0.06) == pytest.approx(2 * queue.run_s - 0.06)
    queue.answered(0.09, 0.09)
    assert queue.wait_s(0.09) == pytest.approx(queue.run_s)
    queue.answered(0.18, 0.09)
    assert queue.wait_s(0.18) == 0.0


def test_a_lost_worker_owes_nothing() -> None:
    queue = QueueTime()
    queue.asked(0.0)
    queue.lost()
    assert queue.wait_s(0.0) == 0.0
    queue.answered(0.1, 0.1)  # what was asked before, of nobody


def test_a_slower_machine_is_learned() -> None:
    queue = QueueTime()
    for second in range(20):
        queue.asked(second)
        queue.answered(second + 0.3, 0.3)
    assert queue.run_s == pytest.approx(0.3, rel=0.05)


@given(st.lists(st.tuples(st.sampled_from(["ask", "answer", "lose"]), st.floats(0, 0.2)), max_size=60))
def test_the_wait_is_never_negative_nor_more_than_all_that_was_asked(steps: list[tuple[str, float]]) -> None:
    queue, now_s, under_way = QueueTime(), 0.0, 0
    for step, later_s in steps:
        now_s += later_s
        if step == "ask":
            queue.asked(now_s)
            under_way += 1
        elif step == "lose":
            queue.lost()
            under_way = 0
        elif under_way:
            queue.answered(now_s, later_s)
            under_way -= 1
        assert 0.0 <= queue.wait_s(now_s) <= under_way * queue.run_s + 1e-9
