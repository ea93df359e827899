"""A playbook as it is for somebody who rang us: other first words, and questions only that still make sense. Sans-I/O.

We asked for the call in an outgoing one, so it begins by asking for a minute; who rings us has one.
"""

from typing import Final

import msgspec

from agent.llm.playbook import Intent, Playbook

# What a model is told besides, whoever wrote its instructions.
RANG_US: Final = """\
This person has rung you: you did not ring them. Where you are told that the call was answered, it is you who picked up:
greet them, say who you are, and hear what they want before you come to anything of your own."""


def for_callers(playbook: Playbook, greeting: str = "") -> Playbook:
    """Return it with the greeting and first question for callers; `greeting` goes before the playbook's own.

    One that says nothing of callers greets them as it greets everybody.
    """
    part = playbook.callers
    opening, steps = playbook.opening, playbook.steps
    words = greeting or (part.greeting if part is not None else "")
    if words:
        opening = msgspec.structs.replace(opening, greeting=words)
    if part is not None:
        first = next(place for place, step in enumerate(steps) if step.id == part.first_step)
        steps = (msgspec.structs.replace(steps[first], say="", ask=part.ask), *steps[first + 1 :])
    # Nobody's machine rings us up: who says "leave a message" wants to.
    intents = {intent: known for intent, known in playbook.intents.items() if intent is not Intent.MACHINE}
    return msgspec.structs.replace(playbook, opening=opening, steps=steps, intents=intents)
