"""What a language model is told of a call before it begins: who it is, what it may say, what it may do. Sans-I/O.

Written from the playbook, so that one text holds for the script and for a model: what must be said is quoted, the
rest is for the model to put in its own words.
"""

from typing import Final

from agent.llm.callers import RANG_US
from agent.llm.playbook import Playbook

_MANNER: Final = """\
You are on the telephone. Answer in one or two short sentences of spoken language, without lists, headings or symbols;
write numbers and times as they are said. Ask one thing at a time. Text in [square brackets] tells what happens on the
line: nobody said it, so do not answer it in words. "[interrupted here]" means that the person did not hear the rest of
your sentence. Never claim to be human. If the person asks not to be called again, confirm it and say goodbye."""


def instructions(playbook: Playbook) -> str:
    """Return the system text; its {variables} are filled in by the gateway."""
    steps = "\n".join(f"{n}. {' '.join((step.say, step.ask)).strip()}" for n, step in enumerate(playbook.steps, 1))
    objections = "\n".join(f"- {objection.name}: {objection.answer}" for objection in playbook.objections)
    opening = playbook.opening
    words = f"{opening.greeting} {opening.disclosure}"
    return "\n\n".join(
        (
            f"You are {{agent_name}}, the automated assistant of {{org_name}}. You speak {playbook.language}.",
            _MANNER,
            f"Open with these words, in full: {words}\nAsked who you are: {opening.who}",
            f"Then come to these, one after another, in your own words:\n{steps}",
            f"When the last one is answered: {playbook.goal.confirm} {playbook.goal.goodbye}",
            f"When it does not suit them now: {playbook.callback.offer}",
            f"Objections, and what is true about them:\n{objections}",
            f"On an answering machine say only: {playbook.voicemail.message}",
        )
    )


def prompted(text: str) -> str:
    """Return the system text for a prompt that somebody wrote: what holds on every telephone stands before it."""
    return f"You are {{agent_name}}, the automated assistant of {{org_name}}.\n\n{_MANNER}\n\n{text}"


def rung(text: str) -> str:
    """Return a system text for a call that the other side has made."""
    return f"{text}\n\n{RANG_US}"
