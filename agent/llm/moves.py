"""What the scripted conversation is made of: where it stands, and what is said and done next. Sans-I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from agent.llm.when import When
from events.call import Outcome


class Stage(Enum):
    START = auto()  # nothing has been said
    ASKING = auto()  # the question of `State.step` is open
    CALLBACK = auto()  # asked when to call again
    OFFER = auto()  # asked whether to call again at all, because nothing could be understood
    MACHINE = auto()  # a machine is greeting; its beep is awaited
    CLOSED = auto()  # the goodbye has been said


class Kind(Enum):
    """What hangs on a sentence being heard."""

    PLAIN = auto()
    DISCLOSURE = auto()
    QUESTION = auto()
    CONFIRMATION = auto()


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str  # with {variables} still open
    kind: Kind = Kind.PLAIN
    when: str = ""  # what {when} stands for


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call without its id."""

    name: str
    arguments: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class State:
    stage: Stage = Stage.START
    step: int = 0
    disclosed: bool = False
    question_heard: bool = True
    confirmed: bool = True  # the closing confirmation was heard
    reasked: bool = False  # the question has been asked again because it was not heard
    paused: bool = False  # a "yes" means "I am here", it answers no question
    silences: int = 0
    misses: int = 0
    pushbacks: int = 0  # objections and refusals answered
    refusals: int = 0
    nods: int = 0  # "uh-huh", or a bare "yes" to "which day?", since the question was first asked
    when_asked: int = 0  # how often a part of the time was asked for
    when: When | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Move:
    state: State
    sentences: tuple[Sentence, ...] = ()
    calls: tuple[Call, ...] = ()
