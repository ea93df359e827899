"""Who sits at the other end of the line, written in YAML: how they answer, what they say and when.

Schema and loading only; `actor` plays it. The format is explained in docs/guides/carrier-in-a-box.md.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from telephony.carrier import pauses
from telephony.carrier.amd import Verdict
from telephony.carrier.voice import PAUSE_MAX_MS_DEFAULT, PITCH_DEFAULT, RATE_WPM_DEFAULT, VOICE_DEFAULT

GIVEN_FILE: Final = "given"  # `play: given` is the file named where the persona is put on a line
LINES_MAX: Final = 50
SAY_CHARS_MAX: Final = 500
HEARD_MS_DEFAULT: Final = 300  # less of the agent than this is a click or a cough, not a turn


class BadPersona(ValueError):
    """One or more persona files cannot be used; `faults` has one line for each: file, field, what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class When(StrEnum):
    """What a line waits for; `after_ms` counts from there."""

    ANSWERED = "answered"  # the line was picked up
    TURN_OVER = "turn_over"  # the agent has spoken since the last line, and is silent now
    SPEAKING = "speaking"  # the agent has begun a turn and is in the middle of it: an interruption
    PREVIOUS = "previous"  # the line before has ended
    PRESSED = "pressed"  # the agent has pressed `keys` since the last line


DEFAULT_AFTER_MS: Final[Mapping[When, int]] = {
    When.ANSWERED: 600,
    When.TURN_OVER: 800,
    When.SPEAKING: 1_200,
    When.PREVIOUS: 300,
    When.PRESSED: 700,
}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _with_pauses(text: str) -> str:
    pauses.split(text)
    return text


Milliseconds = Annotated[int, Field(ge=0, le=120_000)]
Text = Annotated[str, Field(min_length=1, max_length=SAY_CHARS_MAX), AfterValidator(_with_pauses)]
Keys = Annotated[str, Field(pattern=r"^[0-9A-D#*]{1,32}$")]


class Answer(_Part):
    how: Literal["picks_up", "busy", "no_answer", "failed"] = "picks_up"
    rings_s: float = Field(0.8, ge=0, le=60)  # before whatever happens
    detected: Verdict | None = None  # what the network takes them for, if not by their sound: its detection errs


class VoiceChoice(_Part):
    name: str = VOICE_DEFAULT
    rate_wpm: int = Field(RATE_WPM_DEFAULT, ge=80, le=300)
    pitch: int = Field(PITCH_DEFAULT, ge=0, le=99)
    pause_max_ms: int = Field(PAUSE_MAX_MS_DEFAULT, ge=0, le=5_000)  # longer: somebody who hesitates


class Street(_Part):
    """A street around them, instead of a quiet room."""

    snr_db: float = Field(15, ge=0, le=40)  # how far below their own voice it is, cars included
    cars: int = Field(8, ge=0, le=60)  # a minute
    horns: int = Field(1, ge=0, le=30)
    bangs: int = Field(1, ge=0, le=30)


class EchoPath(_Part):
    """They have us on loudspeaker: what they hear comes back, mixed with what they say."""

    delay_ms: int = Field(250, ge=20, le=600)
    loss_db: float = Field(18, ge=3, le=50)  # softer than they hear us
    room_ms: int = Field(120, ge=0, le=500)  # until the room around the telephone has died down


class Sound(_Part):
    """Exactly one of these."""

    say: Text | None = None
    play: str | None = None  # a file beside the persona's, or `given`
    cough_ms: int | None = Field(None, ge=50, le=2_000)
    beep_ms: int | None = Field(None, ge=100, le=2_000)
    ring_ms: int | None = Field(None, ge=100, le=10_000)  # ring-back: they put us through to somebody

    @property
    def sounds(self) -> tuple[str | int | None, ...]:
        """What of it is asked for."""
        return (self.say, self.play, self.cough_ms, self.beep_ms, self.ring_ms)


class Line(Sound):
    """One thing done, in its order."""

    press: Keys | None = None
    hang_up: bool = False
    voice: VoiceChoice | None = None  # of who says this line, if it is not the persona
    when: When = When.TURN_OVER
    after_ms: Milliseconds | None = None
    heard_ms: Milliseconds = (
        HEARD_MS_DEFAULT  # turn_over: how much of the agent must have been heard since the last line
    )
    keys: Keys | None = None  # pressed: which

    @model_validator(mode="after")
    def _does_one_thing(self) -> Self:
        done = [*self.sounds, self.press, self.hang_up or None]
        if sum(one is not None for one in done) != 1:
            raise ValueError("has to do exactly one of say, play, cough_ms, beep_ms, ring_ms, press, hang_up")
        if (self.when is When.PRESSED) != (self.keys is not None):
            raise ValueError("has `keys` exactly when it waits for them (when: pressed)")
        return self

    @property
    def delay_ms(self) -> int:
        return DEFAULT_AFTER_MS[self.when] if self.after_ms is None else self.after_ms


class Aside(Sound):
    """A sound made while the agent speaks, without taking the floor; left out when the turn is shorter."""

    turn: int = Field(ge=1)  # the agent's turns are counted from 1
    after_ms: Milliseconds

    @model_validator(mode="after")
    def _is_one_sound(self) -> Self:
        if sum(one is not None for one in self.sounds) != 1:
            raise ValueError("has to be exactly one of say, play, cough_ms, beep_ms, ring_ms")
        return self


class Otherwise(_Part):
    """What is said after the agent's turns once the lines are used up: people repeat themselves."""

    say: Text
    times: int = Field(3, ge=1, le=20)
    after_ms: Milliseconds = 1_500  # long enough for an agent that is about to hang up to do so


class Persona(_Part):
    description: str = ""
    numbers: tuple[Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")], ...] = ()  # theirs unless told otherwise
    answer: Answer = Answer()
    voice: VoiceChoice = VoiceChoice()
    noise_dbfs: float | None = Field(None, ge=-90, le=-40)  # the room behind them; none: digital silence
    street: Street | None = None
    echo: EchoPath | None = None
    lines: tuple[Line, ...] = Field((), max_length=LINES_MAX)
    asides: tuple[Aside, ...] = Field((), max_length=LINES_MAX)
    otherwise: Otherwise | None = None
    goodbye: Text | None = None  # said when they run out of patience
    patience_s: float = Field(20, gt=0, le=600)  # nobody has spoken for this long: they hang up
    limit_s: float = Field(300, gt=0, le=4 * 3600)  # they hang up whatever happens

    @model_validator(mode="after")
    def _is_at_one_place(self) -> Self:
        if self.noise_dbfs is not None and self.street is not None:
            raise ValueError("is in a room (noise_dbfs) or on a street (street): leave one of them out")
        return self

    @property
    def needs_file(self) -> bool:
        return any(sound.play == GIVEN_FILE for sound in (*self.lines, *self.asides))


def parse(text: str, name: str) -> Persona:
    """Return the persona written in `text`; `name` is how errors call the file.

    Raises:
        BadPersona: not YAML, or a field missing, unknown or out of bounds.
    """
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadPersona([f"{name}: not YAML{place}: check indentation and quotes there"]) from None
    if not isinstance(content, dict):
        raise BadPersona([f"{name}: has to be a mapping such as `lines: […]`"])
    try:
        return Persona.model_validate(content)
    except ValidationError as error:
        raise BadPersona([_fault(name, item) for item in error.errors(include_url=False)]) from None


def load_folder(folder: Path) -> dict[str, Persona]:
    """Return all personas of a folder and of the folders in it, by the names of their files. Blocking.

    Raises:
        BadPersona: with the faults of all files, or when there is no persona at all.
    """
    personas: dict[str, Persona] = {}
    faults: list[str] = []
    owners: dict[str, str] = {}
    for path in sorted(folder.rglob("*.yaml")):
        try:
            persona = parse(path.read_text("utf-8"), path.name)
        except BadPersona as error:
            faults.extend(error.faults)
            continue
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{path.name}: cannot be read: {error}")
            continue
        for number in persona.numbers:
            other = owners.setdefault(number, path.stem)
            if other != path.stem:
                faults.append(f"{path.name}: numbers: {number} belongs to {other} already; take another one")
        if path.stem in personas:
            faults.append(f"{path.relative_to(folder)}: another file has this name already; give it one of its own")
        personas[path.stem] = persona
    if not personas and not faults:
        faults.append(f"{folder}: holds no persona; put a NAME.yaml there")
    if faults:
        raise BadPersona(faults)
    return personas


def _fault(name: str, item: Any) -> str:
    field = ".".join(str(step) for step in item["loc"]) or "persona"
    message = str(item["msg"]).removeprefix("Value error, ")
    remedy = "remove it or correct its name" if item["type"] == "extra_forbidden" else "correct it"
    return f"{name}: {field}: {message}; {remedy} (docs/guides/carrier-in-a-box.md lists the fields)"
