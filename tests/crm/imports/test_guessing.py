"""Columns guessed by name in two languages, and by what is in them."""

import pytest

from crm.imports.guessing import NAMES, Guess, guess
from crm.imports.plan import FIELDS


def test_every_name_is_of_one_field() -> None:
    names = [name for told in NAMES.values() for name in told]
    assert len(set(names)) == len(names)
    assert set(NAMES) == set(FIELDS)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("Nome completo", "E-MAIL", "Telefone", "Empresa"), ("name", "email", "phone", "company")),
        (("First Name", "Last Name", "Mobile Phone"), ("first_name", "last_name", "phone")),
        (("firstName", "lastName", "Email Address"), ("first_name", "last_name", "email")),
        (("Full name", "First name", "Last name"), ("name", "custom_fields.First name", "custom_fields.Last name")),
        (("Pontuação", "Não ligar", "Responsável", "Observações"), ("score", "do_not_call", "owner", "notes")),
        (("Phone", "Telefone", "City"), ("phone", "custom_fields.Telefone", "custom_fields.City")),
    ],
)
def test_by_name(names: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert guess(names, [], has_header=True) == [Guess(to, "name") for to in found]


def test_by_content_where_the_name_tells_nothing() -> None:
    rows = [["ana@x.com", "+55 11 98888-7777", "São Paulo"], ["", "(11) 98888-7777", "Rio"], ["b@x.com", "", ""]]
    found = guess(["A1", "A2", "Place"], rows, "BR", has_header=True)
    assert found == [Guess("email", "content"), Guess("phone", "content"), Guess("custom_fields.Place", "name")]


def test_without_a_header() -> None:
    rows = [["Ana Souza", "ana@x.com", "11988887777", "9"], ["Bob Lee", "b@x.com", "11988886666", "8"]]
    found = guess(["Column 1", "Column 2", "Column 3", "Column 4"], rows, has_header=False)
    assert [told.to for told in found] == ["name", "email", "phone", ""]


def test_slips_do_not_hide_a_column_and_a_few_hits_make_none() -> None:
    mails = [[f"m{number}@x.com"] for number in range(9)]
    assert guess(["A"], [*mails, ["?"]], has_header=False) == [Guess("email", "content")]
    assert guess(["A"], [*mails[:3], ["x"], ["y"]], has_header=False) == [Guess("", "")]
