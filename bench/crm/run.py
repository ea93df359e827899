"""Runs measures of the CRM, each with a Postgres and a Redis of its own, one after the other."""

import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.crm.figures import Report, merge
from bench.crm.measures import Bed, Measure
from bench.servers import Servers
from crm.migrate import migrate


async def measure(
    measures: Mapping[str, Measure], servers: Servers, tell: Callable[[str], None], *, small: bool
) -> Report:
    """Run them and return what they found.

    Raises:
        MeasureFailed: by one of them; the others' figures are lost with it.
        ValueError: a figure that is not known, or given twice.
    """
    figures: Mapping[str, float] = {}
    for name, one in measures.items():
        with _bed(servers, tell, small=small) as bed:
            tell(f"{name}: measuring")
            figures = merge(figures, await one(bed))
    return Report(small, figures)


@contextmanager
def _bed(servers: Servers, tell: Callable[[str], None], *, small: bool) -> Generator[Bed]:
    """Start what a measure works on. Blocking, while nothing else is done."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="salesos-bench-")))
        # Postgres may run as another user, who has to reach its own folder.
        folder.chmod(0o711)
        database = stack.enter_context(servers.postgres(folder / "postgres"))
        redis_url = stack.enter_context(servers.redis(folder / "redis"))
        migrate(database.owner_url, database.app_role)
        own = folder / "own"
        own.mkdir()
        yield Bed(small, database, redis_url, own, tell)
