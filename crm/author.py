"""Who makes the changes of a transaction, as the database notes it beside them (r0047). Not who may make them."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class By(StrEnum):
    USER = "user"
    KEY = "key"  # of the API
    CALL = "call"  # what was said in it, or how it ended
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Author:
    by: By
    id: UUID

    def __str__(self) -> str:
        return f"{self.by.value}:{self.id}"
