"""What callers hear whose call is not taken, by the carrier's voice: one sentence for each reason. Sans-I/O."""

from collections.abc import Mapping
from typing import Final

from events.incoming import NotTaken

_NOT_NOW: Final = "We are sorry, we cannot take your call just now. Please call again in a few minutes. Goodbye."
_BUSY: Final = "We are sorry, all our lines are busy. Please call again in a few minutes. Goodbye."
_ENGLISH: Final[Mapping[str, str]] = {
    NotTaken.NUMBER_UNKNOWN: "The number you have called is not in service. Goodbye.",
    NotTaken.NUMBER_OFF: "The number you have called is not in service. Goodbye.",
    NotTaken.TOO_MANY_CALLS: _BUSY,
    NotTaken.NO_ROOM: _BUSY,
    NotTaken.CALL_OVER: "Goodbye.",
}
_AGORA_NAO: Final = "Desculpe, não podemos atender agora. Por favor, ligue de novo em alguns minutos. Até logo."
_OCUPADO: Final = "Desculpe, todas as nossas linhas estão ocupadas. Ligue de novo em alguns minutos, por favor."
_PORTUGUESE: Final[Mapping[str, str]] = {
    NotTaken.NUMBER_UNKNOWN: "Este número não existe. Até logo.",
    NotTaken.NUMBER_OFF: "Este número não está em serviço. Até logo.",
    NotTaken.TOO_MANY_CALLS: _OCUPADO,
    NotTaken.NO_ROOM: _OCUPADO,
    NotTaken.CALL_OVER: "Até logo.",
}


def declined_words(reason: str, language: str) -> str:
    """Return the sentence in a language such as `pt-BR`; English where there is none.

    A reason that is nobody's business (no credits, a broken agent, our own trouble) is "not now" to a caller.
    """
    if language.lower().startswith("pt"):
        return _PORTUGUESE.get(reason, _AGORA_NAO)
    return _ENGLISH.get(reason, _NOT_NOW)
