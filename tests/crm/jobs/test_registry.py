"""Kinds of jobs by name."""

import pytest

from crm.jobs.port import Args, Task
from crm.jobs.registry import TASKS, by_name
from crm.work import Work


async def nothing(work: Work, args: Args) -> None:
    """Do nothing."""


def test_tasks_of_all_features_are_found_by_name() -> None:
    read, write = Task("imports.read", nothing), Task("exports.write", nothing)
    assert by_name([read], [], [write]) == {"imports.read": read, "exports.write": write}


def test_two_tasks_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"imports\.read"):
        by_name([Task("imports.read", nothing)], [Task("imports.read", nothing, cron="0 3 * * *")])


def test_each_task_is_found_under_its_own_name() -> None:
    assert all(task.name == name and task.tries_max >= 1 for name, task in TASKS.items())
