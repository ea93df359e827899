"""The small scripts of the pages for people in calls: µ-law, waiting between tries, buttons that confirm."""

import numpy as np
import pytest
from playwright.sync_api import Page

from media.codec.g711 import decode


def test_mu_law_is_decoded_as_the_node_does(scripts: Page) -> None:
    samples = scripts.evaluate(
        """async () => {
          const { samplesOf } = await import("/static/people/ulaw.js");
          return [...samplesOf(Uint8Array.from({ length: 256 }, (_, code) => code))];
        }"""
    )
    assert np.array_equal(np.array(samples) * 32_768, decode(bytes(range(256))))


def test_tries_come_apart_and_never_too_far(scripts: Page) -> None:
    waits = scripts.evaluate(
        """async () => {
          const { waitMs } = await import("/static/people/retry.js");
          return [0, 1, 2, 5, 1000].map((number) => [waitMs(number, 0), waitMs(number, 1)]);
        }"""
    )
    assert waits[0] == [100, 200]
    assert waits == sorted(waits)
    assert all(least < most <= 4_000 for least, most in waits)
    assert waits[-1] == [2_000, 4_000]


@pytest.mark.parametrize("refused", [False, True])
def test_a_button_answers_at_once_and_goes_back_with_the_reason(scripts: Page, refused: bool) -> None:
    """What the button shows at once, what it shows in the end, and what was said."""
    shown = scripts.evaluate(
        """async (refused) => {
          const { acknowledged } = await import("/static/people/acknowledged.js");
          const button = document.createElement("button");
          button.setAttribute("aria-pressed", "false");
          const look = () => [button.getAttribute("aria-pressed"), button.getAttribute("aria-busy")];
          let settle, said = null, asked = [];
          const server = new Promise((resolve, reject) => {
            settle = refused ? () => reject(new Error("Not now.")) : resolve;
          });
          const done = acknowledged(button, (on) => { asked.push(on); return server; }, (text) => (said = text));
          const twice = await acknowledged(button, () => asked.push("twice"), () => null);
          const during = look();
          settle();
          return { during, twice, done: await done, after: look(), said, asked };
        }""",
        refused,
    )
    assert shown["during"] == ["true", "true"]
    assert shown["asked"] == [True], "a second press waits for the first one's answer"
    assert shown["twice"] is False
    if refused:
        assert (shown["done"], shown["after"], shown["said"]) == (False, ["false", None], "Not now.")
    else:
        assert (shown["done"], shown["after"], shown["said"]) == (True, ["true", None], "")


def test_meters_go_by_loudness(scripts: Page) -> None:
    shown = scripts.evaluate(
        """async () => {
          const { shownLevel } = await import("/static/people/level.js");
          return [0, 0.001, 0.0316, 1].map(shownLevel);
        }"""
    )
    assert shown == pytest.approx([0, 0, 0.5, 1], abs=0.01)
