"""The buffer between the node's frames and the ear: what comes out is what went in, in order, and live."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page

FRAME = 480  # samples: 60 ms at 8 kHz

# Each sample of a frame is an odd number of its own, which no fading makes another one of. `steps`: how many frames
# come before each 60 ms are pulled. What was heard is told as runs of [sample, how often].
PLAY = """async ({ steps, skips }) => {
  const { PlayoutBuffer } = await import("/static/people/playout_buffer.js");
  const buffer = new PlayoutBuffer(8000);
  const heard = [], depths = [];
  let number = 0, rest = 0;
  for (const arriving of steps) {
    for (let one = 0; one < arriving; one += 1) {
      number += 1;
      if (skips.includes(number)) continue;
      buffer.push(number, new Float32Array(480).fill(2 * number + 1), new Float32Array(480).fill(-2 * number - 1));
    }
    for (rest += 480; rest >= 128; rest -= 128) {
      const left = new Float32Array(128), right = new Float32Array(128);
      buffer.pull(left, right);
      if (left.some((value, at) => value + right[at] !== 0)) throw new Error("the sides are apart in time");
      for (const value of left) {
        if (heard.at(-1)?.[0] === value) heard.at(-1)[1] += 1;
        else heard.push([value, 1]);
      }
    }
    depths.push(buffer.depthMs);
  }
  const { underruns, shed, cut, targetMs } = buffer;
  return { heard, depths, underruns, shed, cut, targetMs };
}"""


def _play(page: Page, steps: list[int], skips: tuple[int, ...] = ()) -> dict[str, Any]:
    played: dict[str, Any] = page.evaluate(PLAY, {"steps": steps, "skips": list(skips)})
    return played


def test_an_even_stream_comes_out_whole_and_soon(scripts: Page) -> None:
    played = _play(scripts, [1] * 500)
    assert (played["underruns"], played["shed"], played["cut"]) == (0, 0, 0)
    assert max(played["depths"]) <= 120
    silence, *sound, _last = played["heard"]
    assert silence[0] == 0
    assert sound == [[2 * number + 1, FRAME] for number in range(1, len(sound) + 1)]
    assert len(sound) > 495


def test_after_a_stall_it_is_live_again(scripts: Page) -> None:
    played = _play(scripts, [1] * 20 + [0] * 8 + [9] + [1] * 200)
    assert played["underruns"] == 1
    assert played["cut"] > 0, "what came late is left out, not heard late for ever"
    assert max(played["depths"][-50:]) <= 220


def test_a_network_that_stutters_gets_a_longer_buffer_and_runs_dry_no_more(scripts: Page) -> None:
    stuttering = [0, 0, 3] * 200
    played = _play(scripts, stuttering)
    assert 80 < played["targetMs"] <= 400
    late = played["heard"][len(played["heard"]) // 2 :]
    assert sum(count for value, count in late if not value) == 0


def test_what_comes_in_one_heap_is_no_live_sound_and_soon_gone(scripts: Page) -> None:
    played = _play(scripts, [1] * 10 + [60] + [1] * 50)
    assert max(played["depths"]) <= 1_000
    assert max(played["depths"][-10:]) <= 220


def test_frames_that_the_node_shed_are_counted(scripts: Page) -> None:
    played = _play(scripts, [1] * 50, skips=(10, 11, 30))
    assert played["shed"] == 3


def test_a_frame_that_comes_twice_or_late_is_left_out(scripts: Page) -> None:
    depth = scripts.evaluate(
        """async () => {
          const { PlayoutBuffer } = await import("/static/people/playout_buffer.js");
          const buffer = new PlayoutBuffer(8000);
          for (const number of [5, 5, 4, 6]) buffer.push(number, new Float32Array(80), new Float32Array(80));
          return buffer.depthMs;
        }"""
    )
    assert depth == pytest.approx(20)


def _counts(runs: list[tuple[int, int]]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for value, count in runs:
        counts[value] += count
    return counts


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 12), max_size=80))
def test_whatever_comes_when_nothing_is_heard_twice_or_out_of_order(scripts: Page, steps: list[int]) -> None:
    played = _play(scripts, steps)
    frames = [(value, count) for value, count in played["heard"] if value % 2 == 1]  # a cut fades in
    assert [value for value, _ in frames] == sorted(value for value, _ in frames)
    assert all(count <= FRAME for count in _counts(frames).values())
    assert max(played["depths"], default=0) <= 1_000
