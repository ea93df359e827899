"""The report of a bench run."""

from bench.calls import report
from tests.salesos.test_summary import WHOLE


def test_figures_come_from_every_call_and_failures_are_counted() -> None:
    turns = [{"response_ms": value} for value in (100, 200, 300, None)]
    text = report([WHOLE | {"turns": turns}, WHOLE | {"turns": []}, {"error": {"message": "refused"}}])
    lines = text.splitlines()
    assert lines[0] == "calls: 3, with a summary: 2"
    assert lines[1].split() == ["2", "ended", "·", "goal_reached"]
    (response,) = (line.split() for line in lines if line.startswith("response_ms"))
    assert response == ["response_ms", "3", "200", "290", "300"]
    assert not any(line.startswith("barge-in") for line in lines), "nothing to say about what did not happen"
