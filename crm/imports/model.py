"""Imports, and the rows of their files that were set aside."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from crm.database import Row, utc_now
from events.ids import new_id


class State(StrEnum):
    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    RUNNING = "running"  # or waiting for a worker
    FINISHED = "finished"
    FAILED = "failed"  # nothing behind some place of the file could be read; what was before is in
    CANCELLED = "cancelled"


class Import(Row):
    """One file. `rows` counts all that were read; each was created, updated, skipped or bad."""

    __tablename__ = "imports"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_by: Mapped[UUID | None]
    file_name: Mapped[str]
    state: Mapped[str]
    fault: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {code, line} of a failed one
    size_bytes: Mapped[int] = mapped_column(default=0)
    begin_bytes: Mapped[int] = mapped_column(default=0)  # of the byte order mark
    form: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {encoding, delimiter, newline, has_header}
    columns: Mapped[list[Any]] = mapped_column(default=list)  # {name, sample, guess, because}
    plan: Mapped[dict[str, Any] | None]  # see crm.imports.plan
    place: Mapped[dict[str, Any]] = mapped_column(default=dict)  # behind the last row that is in; see csv_rows.Place
    rows: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    bad: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def column_names(self) -> list[str]:
        """The names of the file's columns, in its order."""
        return [str(column["name"]) for column in self.columns]


class ImportFault(Row):
    """A row that was set aside."""

    __tablename__ = "import_faults"

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    import_id: Mapped[UUID]
    row: Mapped[int]  # of the file, from 1, the header included
    line: Mapped[int]  # where it begins; a row may have several lines
    faults: Mapped[list[Any]]  # {field, fault}
    cells: Mapped[list[Any]]  # as they were in the file
