"""Letters, to a real mail server and into a folder."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from crm.mail.port import Letter
from crm.mail.post import FolderPost, MailUnavailable, check, open_post

LETTER = Letter("ada@example.com", "Olá", "Primeira linha\n" + "x" * 2_000 + "\n")


class Box:
    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.refuse = ""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return self.refuse
        self.got.append(envelope)
        return "250 OK"


@pytest.fixture
async def server() -> AsyncIterator[tuple[Box, str]]:
    box = Box()
    loop = asyncio.get_running_loop()
    made = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    yield box, f"smtp://127.0.0.1:{made.sockets[0].getsockname()[1]}"
    made.close()
    await made.wait_closed()


async def test_a_server_gets_it_whole(server: tuple[Box, str], tmp_path: Path) -> None:
    box, url = server
    await open_post(url, "Sales OS <us@example.com>", tmp_path).send(LETTER, "one")
    (envelope,) = box.got
    assert envelope.rcpt_tos == ["ada@example.com"]
    assert isinstance(envelope.content, bytes)
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
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
