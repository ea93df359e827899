"""Letters, to a real mail server and into a folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crm.mail.port import Letter
from crm.mail.post import FolderPost, MailRefused, MailUnavailable, check, open_post
from tests.crm.mail.box import Box, mail_server

LETTER = Letter("ada@example.com", "Olá", "Primeira linha\n" + "x" * 2_000 + "\n")


@pytest.fixture
async def server() -> AsyncIterator[tuple[Box, str]]:
    async with mail_server() as served:
        yield served


async def test_a_server_gets_it_whole(server: tuple[Box, str], tmp_path: Path) -> None:
    box, url = server
    await open_post(url, "Sales OS <us@example.com>", tmp_path).send(LETTER, "one")
    assert [envelope.rcpt_tos for envelope in box.got] == [["ada@example.com"]]
    (message,) = box.messages()
    assert (message["Subject"], message["Message-ID"]) == ("Olá", "<one@example.com>")
    body = message.get_body()
    assert body is not None
    assert body.get_content().splitlines() == LETTER.text.splitlines()


async def test_a_server_that_refuses_or_is_not_there_is_one_fault(server: tuple[Box, str], tmp_path: Path) -> None:
    box, url = server
    box.refuse = "451 later, ada@example.com"
    with pytest.raises(MailUnavailable) as told:
        await open_post(url, "us@example.com", tmp_path).send(LETTER, "one")
    assert "ada" not in str(told.value)
    with pytest.raises(MailUnavailable):
        await open_post("smtp://127.0.0.1:9", "us@example.com", tmp_path).send(LETTER, "one")


@pytest.mark.parametrize(
    ("said", "for_good"),
    [("550 5.1.1 no such mailbox", True), ("553 bad name", True), ("450 mailbox busy", False), ("552 full", True)],
)
async def test_an_address_that_is_refused_for_good_is_told_apart(
    server: tuple[Box, str], tmp_path: Path, said: str, for_good: bool
) -> None:
    box, url = server
    box.refuse_address = said
    with pytest.raises(MailUnavailable) as told:
        await open_post(url, "us@example.com", tmp_path).send(LETTER, "one")
    assert isinstance(told.value, MailRefused) is for_good
    box.refuse_address, box.refuse = "", "554 this looks like spam"
    with pytest.raises(MailUnavailable) as told:
        await open_post(url, "us@example.com", tmp_path).send(LETTER, "one")
    assert not isinstance(told.value, MailRefused), "the letter, not the address"


async def test_without_a_server_it_is_a_file(tmp_path: Path) -> None:
    post = open_post("", "us@example.com", tmp_path / "letters")
    assert isinstance(post, FolderPost)
    await post.send(LETTER, "one")
    assert b"To: ada@example.com" in (tmp_path / "letters" / "one.eml").read_bytes()
    (tmp_path / "file").write_text("")
    with pytest.raises(MailUnavailable):
        await FolderPost(tmp_path / "file", "us@example.com").send(LETTER, "one")


@pytest.mark.parametrize(
    "letter",
    [
        Letter("ada", "x", "y"),
        Letter("@example.com", "x", "y"),
        Letter("ada@example.com\r\nBcc: all@example.com", "x", "y"),
        Letter("ada@example.com", "x\r\nBcc: all@example.com", "y"),
        Letter("a" * 250 + "@example.com", "x", "y"),
    ],
)
def test_heads_with_more_in_them_are_refused(letter: Letter) -> None:
    with pytest.raises(ValueError, match="letter"):
        check(letter)
