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
    still_waiting: str  # what was asked for takes longer yet
    done: str  # something was done, and no model has words for it
    not_done: str  # something did not work, or is in doubt
    closing: str  # the operator has switched the models off: the call ends
    handing_over: str  # and a person takes the caller
    leave_message: str  # nobody takes the caller: they may leave a message, which is recorded
    message_taken: str  # and the line closes

    @property
    def patience(self) -> tuple[str, ...]:
        """What is said while something that was asked for takes long, one after another."""
        return (self.one_moment, self.still_waiting)

    @property
    def all(self) -> tuple[str, ...]:
        """All that may be needed at once; a message's words have time to be made."""
        return tuple(text for text in astuple(self) if text not in (self.leave_message, self.message_taken))


ENGLISH: Final = StockPhrases(
    hello="Hello!",
    one_moment="One moment, please.",
    sorry="I am sorry, something is not working on my side. We will call you back. Goodbye.",
    still_waiting="Thank you for waiting, I am still on it.",
    done="That is done.",
    not_done="I am sorry, that did not work just now. Somebody will get back to you about it.",
    closing="I am sorry, I have to end our call here. One of my colleagues will call you back. Goodbye.",
    handing_over="I am putting you through to one of my colleagues now.",
    leave_message="Nobody can take your call just now. Please leave a message after the tone. It is recorded.",
    message_taken="Thank you. We will get back to you. Goodbye.",
)
_PORTUGUESE: Final = StockPhrases(
    hello="Olá!",
    one_moment="Um momento, por favor.",
    sorry="Desculpe, algo não está funcionando do meu lado. Nós vamos ligar de volta. Até logo.",
    still_waiting="Obrigado por esperar, ainda estou vendo isso.",
    done="Pronto, está feito.",
    not_done="Desculpe, isso não funcionou agora. Alguém vai retornar para você sobre isso.",
    closing="Desculpe, preciso encerrar a nossa ligação aqui. Um colega meu vai ligar de volta. Até logo.",
    handing_over="Vou passar a ligação para um colega meu agora.",
    leave_message="Ninguém pode atender agora. Por favor, deixe um recado depois do sinal. Ele é gravado.",
    message_taken="Obrigado. Vamos retornar para você. Até logo.",
)
_BY_LANGUAGE: Final[Mapping[str, StockPhrases]] = {"en": ENGLISH, "pt": _PORTUGUESE}


def stock_phrases(language: str = "en") -> StockPhrases:
    """Return the phrases of a language tag such as `pt-BR`; English where there are none."""
    return _BY_LANGUAGE.get(language.lower().replace("_", "-").partition("-")[0], ENGLISH)
