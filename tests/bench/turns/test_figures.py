"""What counts as cut, late, wrong."""

import numpy as np

from bench.turns.figures import floor_figures, report, share, table, turn_figures
from bench.turns.page import page
from bench.turns.scenes import Scene
from bench.turns.stage import Played

SPEECH = Scene("whole/yes", "whole", np.zeros(8, np.int16), (1_200, 2_000))
ASSENT = Scene("assent/okay", "assent", np.zeros(8, np.int16), (1_200, 1_600), over_agent=True, takes_floor=False)
INTERRUPTION = Scene("interruption/wait", "interruption", np.zeros(8, np.int16), (1_200, 1_600), over_agent=True)


def test_an_answer_before_the_end_is_a_cut_and_its_delay_counts_for_nothing() -> None:
    found = turn_figures([(SPEECH, Played([1_500, 2_300])), (SPEECH, Played([2_250])), (SPEECH, Played([7_000]))])
    assert (found.scenes, found.cut, found.cuts, found.unanswered) == (3, 1, 1, 1)
    assert (found.delay_p50_ms, found.delay_p95_ms) == (250, 250)


def test_assent_may_hold_the_agent_but_not_silence_it() -> None:
    held = Played(stopped_ms=[1_350], held_ms=400)
    silenced = Played(stopped_ms=[1_350], yielded=True)
    found = floor_figures([(ASSENT, held), (ASSENT, silenced), (ASSENT, Played())])
    assert (found.wrong, found.stopped, found.stop_p50_ms, found.held_p50_ms) == (1, 2, 150, 400)


def test_an_interruption_must_stop_it_for_good_and_soon() -> None:
    good = Played(stopped_ms=[1_350], yielded=True)
    late = Played(stopped_ms=[4_000], yielded=True)
    spoken_on = Played(stopped_ms=[1_350], held_ms=300)
    assert floor_figures([(INTERRUPTION, good), (INTERRUPTION, late), (INTERRUPTION, spoken_on)]).wrong == 2


def test_of_nothing_there_is_no_figure() -> None:
    assert share([], 0.5) is None
    assert share([3, 1, 2], 0.5) == 2


def test_the_table_and_the_page_name_every_system_and_group() -> None:
    scenes = [SPEECH, ASSENT, INTERRUPTION]
    played = {name: [Played([2_250]), Played(), Played()] for name in ("words", "pipecat default")}
    figures = report(scenes, played, {})
    said = table(figures)
    made = page(figures)
    assert all(name in said for name in ("words", "pipecat default", "whole", "assent", "interruption"))
    assert [one.title for one in made.tables] == ["The prospect speaks", "Over the agent's voice"]
