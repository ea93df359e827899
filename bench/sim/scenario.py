"""From a seed to all that is drawn of a call: who answers, how far the line is, how fast the providers, what fails."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.sim.personas import PERSONAS

TAKES_OVER: Final = "person_takes_over"
HOLDS: Final = "person_holds"
LOST: Final = "person_lost"  # and back before the call is taken from them
GONE: Final = "person_gone"  # lost for good
WHISPERS: Final = "person_whispers"
BARGES: Final = "person_barges"
VISITS: Final = (HOLDS, LOST, GONE, WHISPERS, BARGES)

FAULTY_SHARE: Final = 0.6  # of calls
_SEEDS: Final = 2**32

FAULTS: Final[tuple[str, ...]] = (
    "model_slow",
    "model_late",
    "model_refuses",
    "model_cut",
    "model_stalls",
    "models_down",
    "stt_fails",
    "stt_down",
    "voice_refuses",
    "voice_breaks",
    "voice_stalls",
    "marks_lost",
    "stream_dropped",
    "callbacks_disordered",
    "callbacks_lost",
    "carrier_away",
    "funds_end",
    "redis_away",
    "dial_doubtful",
    "dial_refused",
    "nobody_answers",
    "supervisor_hangs_up",
    "node_stops",
)

# No fault, and not drawn unless asked for: what is drawn of a seed stays as it was.
ACTS: Final[tuple[str, ...]] = (TAKES_OVER, *VISITS)


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int
    persona: str
    faults: tuple[str, ...] = ()
    trip_ms: float = 40.0
    first_token_s: float = 0.35
    first_audio_s: float = 0.09
    stt_final_s: float = 0.15
    stt_lag_s: float = 0.2
    has_judge: bool = True
    speculates: bool = False  # an answer is begun on a probable end
    dice_seed: int = field(default=0)

    def has(self, fault: str) -> bool:
        return fault in self.faults


def draw(seed: int, personas: Sequence[str] = (), faults: Sequence[str] = FAULTS) -> Scenario:
    """Return the scenario of a seed; `personas`: those to draw from, all when empty."""
    dice = random.Random(f"scenario {seed}")  # noqa: S311 - a repeatable experiment, no secret
    persona = dice.choice(list(personas) or list(PERSONAS))
    chosen: tuple[str, ...] = ()
    if faults and dice.random() < FAULTY_SHARE:
        chosen = tuple(sorted(dice.sample(list(faults), k=min(len(faults), dice.choice((1, 1, 1, 2, 3))))))
    return Scenario(
        seed=seed,
        persona=persona,
        faults=chosen,
        trip_ms=dice.uniform(15, 90),
        first_token_s=dice.uniform(0.1, 0.5),
        first_audio_s=dice.uniform(0.05, 0.2),
        stt_final_s=dice.uniform(0.03, 0.3),
        stt_lag_s=dice.uniform(0.08, 0.35),
        has_judge=dice.random() < 0.8,
        dice_seed=dice.randrange(_SEEDS),
        speculates=dice.random() < 0.3,
    )


def seeds(first: int, calls: int) -> list[int]:
    """Return the seeds of a run's calls, each of which replays its call alone."""
    dice = random.Random(f"run {first}")  # noqa: S311 - as above
    return [dice.randrange(_SEEDS) for _ in range(calls)]
