"""What the agent says when no model gives it words: the same few sentences in each language. Sans-I/O.

Fixed, so that a voice can have them ready before the dial and say them when its provider is away as well.
"""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StockPhrases:
    hello: str  # picked up, and the greeting is late
    one_moment: str  # an answer is late
    sorry: str  # there will be no answer: the call ends
    closing: str  # the operator has switched the models off: the call ends

    @property
    def all(self) -> tuple[str, ...]:
        return astuple(self)


ENGLISH: Final = StockPhrases(
    hello="Hello!",
    one_moment="One moment, please.",
    sorry="I am sorry, something is not working on my side. We will call you back. Goodbye.",
    closing="I am sorry, I have to end our call here. One of my colleagues will call you back. Goodbye.",
)
_PORTUGUESE: Final = StockPhrases(
    hello="Olá!",
    one_moment="Um momento, por favor.",
    sorry="Desculpe, algo não está funcionando do meu lado. Nós vamos ligar de volta. Até logo.",
    closing="Desculpe, preciso encerrar a nossa ligação aqui. Um colega meu vai ligar de volta. Até logo.",
)
_BY_LANGUAGE: Final[Mapping[str, StockPhrases]] = {"en": ENGLISH, "pt": _PORTUGUESE}


def stock_phrases(language: str = "en") -> StockPhrases:
    """Return the phrases of a language tag such as `pt-BR`; English where there are none."""
    return _BY_LANGUAGE.get(language.lower().replace("_", "-").partition("-")[0], ENGLISH)
