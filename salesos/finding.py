"""One line of the doctor's: what was looked at, what was found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from salesos.screen import Screen


class Level(StrEnum):
    OK = "ok"
    HINT = "hint"  # it works without
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    name: str
    detail: str
    remedy: str = ""

    @classmethod
    def ok(cls, name: str, detail: str) -> Self:
        return cls(Level.OK, name, detail)

    @classmethod
    def hint(cls, name: str, detail: str, remedy: str) -> Self:
        return cls(Level.HINT, name, detail, remedy)

    @classmethod
    def fault(cls, name: str, detail: str, remedy: str) -> Self:
        return cls(Level.FAULT, name, detail, remedy)

    def show(self, screen: Screen) -> None:
        line = f"{self.level:<6} {self.name:<18} {self.detail}"
        match self.level:
            case Level.OK:
                screen.say(line)
            case Level.HINT:
                screen.warn(line)
            case Level.FAULT:
                screen.fail(line)
        if self.remedy:
            screen.say(f"{'':<6} {'':<18} → {self.remedy}")
