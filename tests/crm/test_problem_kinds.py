"""Codes of problems, merged from the features."""

import pytest

from crm import problems
from crm.problem_kinds import Kind, merge
from crm.prompts.problems import KINDS


def test_the_codes_of_features_are_codes_of_the_crm() -> None:
    assert {**problems.KINDS, **KINDS} == problems.KINDS
    assert merge({"a": Kind(400, "A")}, {}, {"b": Kind(409, "B")}) == {"a": Kind(400, "A"), "b": Kind(409, "B")}


def test_a_code_has_one_meaning() -> None:
    with pytest.raises(ValueError, match="lead_gone"):
        merge({"lead_gone": Kind(404, "Gone")}, {"lead_gone": Kind(410, "Gone for ever")})
