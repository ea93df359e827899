"""Goals hold or do not, figures are told by level, and each line says what it is held against."""

from bench.goal import Goal, lines, missed, missing, nested

GOALS = {"speed": Goal("how fast"), "p99_ms.hot": Goal("late", at_most=50), "ratio": Goal("to theirs", at_least=1.5)}


def test_a_goal_without_bounds_holds_any_number() -> None:
    assert Goal("speed").holds(0)
    assert not Goal("speed").holds(float("nan"))
    assert str(Goal("speed")) == "-"


def test_bounds_include_themselves() -> None:
    both = Goal("between", at_least=1, at_most=2)
    assert [both.holds(value) for value in (0.9, 1, 2, 2.1)] == [False, True, True, False]
    assert str(both) == "at least 1, at most 2"


def test_what_misses_and_what_is_missing_are_two_things() -> None:
    figures = {"p99_ms.hot": 51.0, "speed": 12_345.6}
    assert (missed(GOALS, figures), missing(GOALS, figures)) == (["p99_ms.hot"], ["ratio"])
    assert nested(figures) == {"p99_ms": {"hot": 51.0}, "speed": 12_345.6}
    heading, speed, late, ratio = lines(GOALS, figures)
    assert heading.split() == ["figure", "found", "goal", "meaning"]
    assert "12,345.6" in speed
    assert late.endswith("MISSED")
    assert "not measured" in ratio


def test_small_figures_keep_their_digits() -> None:
    (_, line) = lines({"core": Goal("of a core", at_most=0.003)}, {"core": 0.00042})
    assert "0.00042" in line
    assert "at most 0.003" in line
