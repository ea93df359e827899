"""Who hears whom, and how loud: legs mixed at the telephone's rate, each without itself. Sans-I/O.

A frame is 20 ms of int16, mono, 8 kHz. Sums are made in wide integers and saturate. A leg that has nothing to say
costs nothing and holds nobody up.
"""

from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

import numpy as np

from media.codec.g711 import Samples

GAIN_DB_MAX: Final = 20.0
_ONE: Final = 1 << 12  # gains are fixed-point numbers of twelve bits behind the point
Leg = TypeVar("Leg", bound=Hashable)


class Mixer:
    """A matrix of gains between legs. Nobody hears anybody until told so, and nobody ever hears themselves."""

    def __init__(self) -> None:
        self._gains: dict[tuple[Hashable, Hashable], int] = {}  # (listener, source)

    def connect(self, listener: Hashable, source: Hashable, gain_db: float = 0.0) -> None:
        """Let `listener` hear `source`.

        Raises:
            ValueError: a leg and itself, or a gain above GAIN_DB_MAX.
        """
        if listener == source:
            raise ValueError("a leg does not hear itself: listener and source must differ")
        if gain_db > GAIN_DB_MAX:
            raise ValueError(f"gain_db {gain_db} is above {GAIN_DB_MAX}: lower it")
        self._gains[listener, source] = round(_ONE * 10 ** (gain_db / 20))

    def disconnect(self, listener: Hashable, source: Hashable) -> None:
        self._gains.pop((listener, source), None)

    def remove(self, leg: Hashable) -> None:
        """Forget a leg on both sides."""
        self._gains = {pair: gain for pair, gain in self._gains.items() if leg not in pair}

    def sources(self, listener: Hashable) -> set[Hashable]:
        """Return whom a leg hears."""
        return {source for hearer, source in self._gains if hearer == listener}

    def mix(self, listener: Hashable, frames: Mapping[Leg, Samples]) -> Samples | None:
        """Return what `listener` hears of the frames of this tick; None when that is nothing.

        Frames may be shorter than 20 ms: what is missing is silence.
        """
        heard = [
            (frame, gain)
            for source, frame in frames.items()
            if len(frame) and (gain := self._gains.get((listener, source)))
        ]
        if not heard:
            return None
        if len(heard) == 1 and heard[0][1] == _ONE:
            return heard[0][0]
        total = np.zeros(max(len(frame) for frame, _ in heard), dtype=np.int64)
        for frame, gain in heard:
            total[: len(frame)] += frame.astype(np.int64) * gain
        rounded = (total + _ONE // 2) // _ONE
        mixed: Samples = np.clip(rounded, -32_768, 32_767).astype(np.int16)
        return mixed
