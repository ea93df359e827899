"""What a conversation is given: its minds, and a witness of what happens."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from agent.briefing import prompted, rung
from agent.greeting_words import NO_GREETINGS, GreetingWords
from agent.handing_over import HandOver
from agent.llm.port import Ahead, Model, Tool
from agent.person_ear import OpenEar
from agent.stock_phrases import ENGLISH, StockPhrases
from agent.stt.port import Recognizer
from agent.tools.toolbox import Toolbox
from agent.tts.port import Voice
from agent.turns.ending import Evidence, wait_ms
from agent.turns.judge import EndJudge
from agent.turns.patience import PROMPTS
from agent.turns.wording import NO_LISTS, WordLists
from agent.understanding.senses import NO_SENSES, Senses
from events.call import AnsweredBy, Body
from events.plan import Prompt


class Witness(Protocol):
    """Who is told what happens: the call."""

    def emit(self, body: Body) -> None: ...

    def on_floor(self, *, speaking: bool) -> None: ...

    def on_disclosed(self, at_ms: int) -> None:
        """The opening, disclosure included, was heard to its end."""

    def on_answerer(self, answered_by: AnsweredBy, detail: str) -> None:
        """Who it is that answered, as far as it can be heard; a later word replaces an earlier one."""


@dataclass(slots=True)
class Minds:
    """What the agent hears, thinks and speaks with. An answer that is being made keeps what it began with."""

    recognizer: Recognizer
    model: Model
    voice: Voice
    backchannels: frozenset[str]
    variables: dict[str, str]
    instructions: str = ""  # for models that need to be told; the script carries its own
    tools: tuple[Tool, ...] = ()
    temperature: float | None = None  # None: the model's own
    max_tokens: int = 1000  # of one answer
    lists: WordLists = NO_LISTS  # of the agent's language
    judge: EndJudge | None = None  # of ends of turns, by their sound
    prompts: int = PROMPTS  # that a caller who says nothing hears before goodbye
    wait: Callable[[Evidence], int] = wait_ms  # how much silence ends a turn
    toolbox: Toolbox | None = None  # the call's; None: it may do nothing but note facts and end
    prompt_version: str = ""  # of these instructions; empty: they follow from the playbook
    phrases: StockPhrases = ENGLISH
    greetings: GreetingWords = NO_GREETINGS  # how machines and people answer
    belongings: tuple[Callable[[], Awaitable[None]], ...] = ()  # what closes the call's own sockets
    senses: Senses = NO_SENSES  # for moods and objections
    open_ear: OpenEar | None = None  # another recogniser, for a colleague who joins; None: their words are not known
    hand_over: HandOver | None = None  # asks for a person to take the caller, when the models are stopped
    rung: bool = False  # the other side rang us: it is we who have picked up
    ahead: Ahead | None = None  # the model, where it may begin before the caller has certainly ended

    def tell(self, prompt: Prompt, variables: Mapping[str, str]) -> None:
        """Have the model told so from its next answer on; `variables` join those that the call has."""
        self.instructions = rung(prompted(prompt.text)) if self.rung else prompted(prompt.text)
        self.prompt_version = prompt.version
        self.variables = self.variables | dict(variables)

    async def aclose(self) -> None:
        """The call is over, or never began: let go of what was opened for it."""
        await self.recognizer.aclose()
        for close in self.belongings:
            await close()
