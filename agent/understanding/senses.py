"""What a call understands moods and objections with: its language's lexicon, corrections, perhaps a model."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from agent.llm.port import Model
from agent.llm.race import Patience
from agent.llm.registry import SCRIPTED, Models, UnknownModel
from agent.llm.usage import ModelCall
from agent.understanding.lexicon import NO_LEXICON, Lexicon
from agent.understanding.lexicon_files import lexicon_for
from agent.understanding.objections import Example, read_examples
from events.plan import CallPlan

# Nobody waits for a judgement, and a tool call arrives in one piece at its end: there is no first word to be late.
UNHURRIED: Final = Patience(hedge_after_s=4.0, first_token_s=4.0, next_token_s=4.0, give_up_s=4.0)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Senses:
    lexicon: Lexicon = NO_LEXICON
    examples: tuple[Example, ...] = ()
    model: Model | None = None  # None: the lexicon judges
    model_name: str = ""


NO_SENSES: Final = Senses()


async def open_senses(
    plan: CallPlan, models: Models, own: Mapping[str, str], on_model: Callable[[ModelCall], None]
) -> Senses:
    """Return what the plan names. A model that cannot be had costs the call nothing: the lexicon judges then.

    Raises:
        BadLexicon: a file of ours cannot be used.
    """
    # Read once a process, which takes a tenth of a second.
    lexicon = await asyncio.to_thread(lexicon_for, plan.agent.language)
    examples = read_examples(plan.corrected)
    name = plan.providers.sentiment
    if not name or name == SCRIPTED:  # a script judges nothing
        return Senses(lexicon, examples)
    try:
        model = await models.open((name,), None, own, on_model, UNHURRIED, own_only=plan.own_only)
    except UnknownModel as error:
        log.warning("grasp.model_unusable", fault=str(error))
        return Senses(lexicon, examples)
    return Senses(lexicon, examples, model, name)
