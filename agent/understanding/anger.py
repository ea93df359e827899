"""Whether a caller is angry, from one utterance to the next. Sans-I/O.

One harsh word is no anger: it takes an utterance that is hostile beyond doubt, or several that are harsh. Having begun
it lasts until the caller sounds calm again, so that somebody between the two does not flicker.
"""

from dataclasses import dataclass
from typing import Final

from agent.understanding.sentiment import CONFIDENCE_MIN, Sentiment

ANGRY_AT: Final = -0.55
CALM_AT: Final = -0.2
HOSTILE_AT: Final = -0.84  # a threat or an insult: one is enough
_HOSTILE_CONFIDENCE: Final = 0.7
_NEWEST: Final = 0.5  # of the level, the last utterance's share


@dataclass(slots=True)
class Anger:
    """Of one call."""

    level: float = 0.0  # -1 hostile to 1 delighted, over the last few utterances
    angry: bool = False

    def hear(self, sentiment: Sentiment) -> bool:
        """Take an utterance; True when with it the caller becomes angry. One that is uncertain counts as neutral."""
        certain = sentiment.confidence >= CONFIDENCE_MIN
        score = sentiment.score if certain else 0.0
        self.level += _NEWEST * (score - self.level)
        if certain and score <= HOSTILE_AT and sentiment.confidence >= _HOSTILE_CONFIDENCE:
            self.level = min(self.level, score)
        before = self.angry
        if self.angry:
            self.angry = self.level < CALM_AT
        else:
            self.angry = self.level <= ANGRY_AT
        return self.angry and not before
