"""What of an agent goes into a call's plan: as it is when the call is placed, which the call keeps to its end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from crm.agents.limits import SCRIPTED
from crm.agents.model import Agent
from crm.leads.model import Lead
from crm.prompts.book import PromptBook
from crm.prompts.template import Compiled
from crm.prompts.versions import LATEST
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events import plan

# Monday first, January first.
_DAYS: Final = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "pt": "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
}
_MONTHS: Final = {
    "en": "January February March April May June July August September October November December",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
}


class NeedsModel(Refusal):
    """The agent has a prompt, and neither it nor the operator a language model to tell it to."""

    def __init__(self, agent: str) -> None:
        super().__init__("agent_needs_model", {"agent": agent})


@dataclass(frozen=True, slots=True)
class StartedAgent:
    agent: Agent
    prompt: Compiled | None

    @property
    def follows(self) -> bool:
        """True when a new version of the prompt reaches the call while it is live."""
        return self.prompt is not None and self.agent.prompt_version == LATEST

    def in_plan(self) -> plan.Agent:
        agent = self.agent
        voice = "" if ":" in agent.voice else agent.voice
        return plan.Agent(
            agent.id,
            agent.name,
            **({"voice": voice} if voice else {}),
            language=agent.language,
            temperature=agent.temperature,
            max_tokens=agent.max_tokens,
        )

    def prompt_in_plan(self) -> plan.Prompt | None:
        return None if self.prompt is None else plan.Prompt(self.prompt.number, self.prompt.text)

    def models(self, operators: Sequence[str]) -> tuple[str, ...]:
        """Return the models in the order in which they are asked: the agent's own, then the operator's.

        The script follows the playbook, so it cannot stand in where a prompt says what to do.

        Raises:
            NeedsModel: nothing is left.
        """
        own = self.agent.model
        if own == SCRIPTED:
            return (SCRIPTED,)
        names = dict.fromkeys((own, *operators) if own else operators)
        found = tuple(name for name in names if self.prompt is None or name != SCRIPTED)
        if not found:
            raise NeedsModel(self.agent.name)
        return found

    def providers(self, operators: Sequence[str]) -> plan.Providers:
        """Return what the agent names, and where it names nothing what the operator has set. Raises NeedsModel."""
        first, *others = self.models(operators)
        voice = self.agent.voice if ":" in self.agent.voice else "embedded"
        return plan.Providers(stt=self.agent.stt, tts=voice, llm=first, llm_fallbacks=tuple(others))

    def variables(self, lead: Lead | None, org_name: str, now: datetime) -> dict[str, str]:
        """Return what texts may name. What the call itself knows goes before what a prompt declares.

        Without a lead, as in a chat, nobody is named and the time is UTC.
        """
        language = self.agent.language.partition("-")[0]
        local = now.astimezone(_zone(lead.time_zone if lead is not None else ""))
        own = self.prompt.values(lead.custom_fields if lead is not None else {}) if self.prompt is not None else {}
        return own | {
            "prospect_name": lead.name if lead is not None else "",
            "prospect_company": lead.company if lead is not None else "",
            "agent_name": self.agent.name,
            "org_name": org_name,
            "language": self.agent.language,
            "today": spoken_date(local, language),
            "local_time": f"{local:%H:%M}",
        }

    def record(self) -> dict[str, Any]:
        """Return how the agent was when the call began, for the call's own record."""
        agent = self.agent
        names = ("name", "type", "playbook", "voice", "language", "stt", "model", "temperature", "max_tokens", "tools")
        record: dict[str, Any] = {name: getattr(agent, name) for name in names}
        record["prompt_version"] = agent.prompt_version if self.prompt is not None else ""
        return msgspec.to_builtins(record)  # type: ignore[no-any-return]  # of a dict it is one


async def start_agent(agent: Agent, call_id: UUID, unit: UnitOfWork, book: PromptBook) -> StartedAgent:
    """Return the agent with its prompt as this call has it, in the transaction that places the call."""
    if agent.prompt_id is None:
        return StartedAgent(agent, None)
    return StartedAgent(agent, await book.for_call(unit, agent.prompt_id, agent.prompt_version, call_id))


def spoken_date(at: datetime, language: str) -> str:
    """Return such as "Monday, 23 November 2026", in English where the language is not known."""
    known = language if language in _DAYS else "en"
    day, month = _DAYS[known].split()[at.weekday()], _MONTHS[known].split()[at.month - 1]
    if language == "pt":
        return f"{day}, {at.day} de {month} de {at.year}"
    return f"{day}, {at.day} {month} {at.year}"


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
