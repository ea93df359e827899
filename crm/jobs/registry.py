"""All kinds of jobs: one import and one line a feature."""

from collections.abc import Iterable, Mapping
from typing import Final

from crm.audit import jobs as audit
from crm.billing import jobs as billing
from crm.duplicates import jobs as duplicates
from crm.exports import jobs as exports
from crm.forgetting import jobs as forgetting
from crm.identity import jobs as identity
from crm.imports import jobs as imports
from crm.inbox import jobs as inbox
from crm.jobs import jobs
from crm.jobs.port import Task
from crm.mail import jobs as mail
from crm.outbox import jobs as outbox
from crm.recovery import jobs as recovery
from crm.scoring import jobs as scoring
from crm.sign_up import jobs as sign_up
from crm.webhooks import jobs as webhooks


def by_name(*parts: Iterable[Task]) -> Mapping[str, Task]:
    """Return the tasks of all features by their names.

    Raises:
        ValueError: two have one name, and what is queued under it would be done by either.
    """
    found: dict[str, Task] = {}
    for task in (task for part in parts for task in part):
        if task.name in found:
            raise ValueError(f"two tasks are named {task.name!r}")
        found[task.name] = task
    return found


# Each part is the TASKS of a feature's jobs.py.
TASKS: Final = by_name(
    audit.TASKS,
    billing.TASKS,
    duplicates.TASKS,
    exports.TASKS,
    forgetting.TASKS,
    imports.TASKS,
    identity.TASKS,
    inbox.TASKS,
    jobs.TASKS,
    mail.TASKS,
    outbox.TASKS,
    sign_up.TASKS,
    recovery.TASKS,
    scoring.TASKS,
    webhooks.TASKS,
)
