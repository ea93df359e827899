"""The tools as models are offered them: what each is for, in the agent's language, with its arguments as a schema.

Sans-I/O. Names and arguments are `events.tool`'s; here stand only the words.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from agent.llm.port import Tool
from events.call import FactKind
from events.tool import ARGUMENTS, ToolName

PORTUGUESE: Final = "pt"


@dataclass(frozen=True, slots=True)
class _Words:
    """English and Portuguese: what a tool is for, and what each argument means."""

    en: str
    pt: str
    arguments: Mapping[str, tuple[str, str]] = field(default_factory=dict)


_WORDS: Final[Mapping[ToolName, _Words]] = {
    ToolName.NOTE_FACT: _Words(
        "Write down what the conversation has established, when it has. Say your sentence as well.",
        "Anote o que a conversa estabeleceu, quando isso acontecer. Diga também a sua frase.",
        {
            "text": ("the fact, in a few words", "o fato, em poucas palavras"),
            "when": ("the day and time, as the person said it", "o dia e a hora, como a pessoa disse"),
        },
    ),
    ToolName.END_CALL: _Words(
        "Hang up when your goodbye has been heard. Say goodbye in the same answer.",
        "Desligue depois que a sua despedida for ouvida. Despeça-se na mesma resposta.",
    ),
    ToolName.LOOK_UP_LEAD: _Words(
        "Look up what is known of the person you are talking with: company, notes, next step, appointments.",
        "Consulte o que se sabe da pessoa com quem você fala: empresa, anotações, próximo passo, compromissos.",
    ),
    ToolName.UPDATE_LEAD: _Words(
        "Correct what is known of the person, when they have told you so. Give only what changes.",
        "Corrija o que se sabe da pessoa, quando ela disser. Informe só o que muda.",
        {
            "email": ("as the person spelled it", "como a pessoa soletrou"),
            "note": ("something worth knowing before the next call", "algo útil antes da próxima ligação"),
        },
    ),
    ToolName.FIND_SLOTS: _Words(
        "Find free times for a meeting, in the person's local time. Offer two of them at most.",
        "Encontre horários livres para uma reunião, no horário local da pessoa. Ofereça no máximo dois.",
        {
            "day": (
                "such as 2026-11-24; leave it out for the next free ones",
                "por exemplo 2026-11-24; omita para os próximos",
            )
        },
    ),
    ToolName.BOOK_SLOT: _Words(
        "Book a meeting at a time that the person has agreed to. It is booked only when the result says so.",
        "Marque uma reunião num horário que a pessoa aceitou. Só está marcada quando o resultado disser.",
        {
            "starts_at": (
                "the person's local time, such as 2026-11-24T10:00",
                "horário local da pessoa, como 2026-11-24T10:00",
            ),
            "title": ("what it is about, in a few words", "o assunto, em poucas palavras"),
        },
    ),
    ToolName.SCHEDULE_CALLBACK: _Words(
        "Have the person called again at a time that they named.",
        "Programe uma nova ligação no horário que a pessoa indicou.",
        {
            "when": ("as the person said it", "como a pessoa disse"),
            "at": (
                "that time in their local time, such as 2026-11-24T10:00",
                "esse horário local, como 2026-11-24T10:00",
            ),
        },
    ),
    ToolName.SEND_MESSAGE: _Words(
        "Have a message sent to the person after the call. Say that it will come, not that it has been sent.",
        "Faça enviar uma mensagem à pessoa depois da ligação. Diga que ela vai chegar, não que já foi enviada.",
        {
            "text": ("the whole message", "a mensagem inteira"),
            "to": ("another number or address, if they gave one", "outro número ou endereço, se a pessoa deu um"),
        },
    ),
    ToolName.MARK_DO_NOT_CALL: _Words(
        "Never call this number again. Use it at once when the person asks for it, then confirm and say goodbye.",
        "Nunca mais ligar para este número. Use assim que a pessoa pedir; depois confirme e despeça-se.",
    ),
    ToolName.TRANSFER_CALL: _Words(
        "Put the person through to a colleague. When granted, say so in one sentence: it happens when that was heard.",
        "Transfira a pessoa para um colega. Se for concedido, avise numa frase: acontece depois que ela for ouvida.",
        {"reason": ("what it is about, for the colleague", "o assunto, para o colega")},
    ),
    ToolName.PRESS_KEYS: _Words(
        "Press keys of the telephone, as an automatic menu asks for it. They are pressed in place of words.",
        "Pressione teclas do telefone, como um menu automático pede. São pressionadas no lugar de palavras.",
        {"keys": ("0-9, *, #; w waits half a second", "0-9, *, #; w espera meio segundo")},
    ),
}
# Ours to note, never a model's.
_OURS: Final = FactKind.BROKEN_OFF
# What has a tool of its own is not noted as a fact besides: it would count twice.
_OWN_TOOL: Final = {
    FactKind.MEETING_BOOKED: ToolName.BOOK_SLOT,
    FactKind.CALLBACK_REQUESTED: ToolName.SCHEDULE_CALLBACK,
    FactKind.OPTED_OUT: ToolName.MARK_DO_NOT_CALL,
}


def offered(names: Collection[str], language: str) -> tuple[Tool, ...]:
    """Return those of our tools that the plan allows, in the words of `language` (such as pt-BR; else English)."""
    portuguese = language.partition("-")[0] == PORTUGUESE
    return tuple(_tool(name, names, portuguese=portuguese) for name in ToolName if name in names)


def noted_kinds(names: Collection[str]) -> tuple[FactKind, ...]:
    """Return what `note_fact` is for, beside those tools."""
    return tuple(kind for kind in FactKind if kind is not _OURS and _OWN_TOOL.get(kind) not in names)


def _tool(name: ToolName, names: Collection[str], *, portuguese: bool) -> Tool:
    words = _WORDS[name]
    schema = _schema(ARGUMENTS[name])
    for argument, (english, other) in words.arguments.items():
        schema["properties"][argument]["description"] = other if portuguese else english
    if name is ToolName.NOTE_FACT:
        schema["properties"]["kind"]["enum"] = [kind.value for kind in noted_kinds(names)]
    return Tool(name.value, words.pt if portuguese else words.en, schema)


def _schema(arguments: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema in one piece and without what says nothing to a model: not every vendor takes more."""
    (shown, *_), parts = msgspec.json.schema_components([arguments], ref_template="{name}")
    top = _flat(shown, parts)
    assert isinstance(top, dict)
    return {key: top[key] for key in ("type", "properties", "required", "additionalProperties") if key in top}


def _flat(shown: Any, parts: Mapping[str, Any]) -> Any:
    if isinstance(shown, list):
        return [_flat(item, parts) for item in shown]
    if not isinstance(shown, dict):
        return shown
    if "$ref" in shown:
        return _flat(parts[shown["$ref"]], parts)
    if "anyOf" in shown:
        # Something or null: what may be left out need not be null as well.
        [shown] = [option for option in shown["anyOf"] if option != {"type": "null"}]
    if "enum" in shown:
        shown = {"type": "string"} | shown
    return {
        key: {name: _flat(item, parts) for name, item in value.items()} if key == "properties" else _flat(value, parts)
        for key, value in shown.items()
        if key not in ("title", "description", "default")
    }
