"""Where letters go: a mail server, or a folder where there is none."""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import ClassVar, Final, Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from crm.mail.port import Letter

TIMEOUT_S: Final = 20.0
PORTS: Final = {"smtp": 587, "smtps": 465}
LINE_MAX: Final = 254  # of an address, RFC 5321 §4.5.3.1.3


class MailUnavailable(Exception):
    """The server did not take the letter; the text names the kind of fault, never the address."""


class MailRefused(MailUnavailable):
    """It will not take a letter to this address, however often it is asked."""


class Post(Protocol):
    reaches: ClassVar[bool]  # whether letters get to people

    async def send(self, letter: Letter, letter_id: str) -> None:
        """Hand it on. The id makes the letter one and the same when it is sent twice.

        Raises:
            MailUnavailable: not handed on, or not known to be.
        """
        ...


def check(letter: Letter) -> None:
    """Raise ValueError, see the port."""
    name, at, host = letter.to.rpartition("@")
    if not (name and at and host) or len(letter.to) > LINE_MAX or any(sign.isspace() for sign in letter.to):
        raise ValueError("the address of a letter is not a mail address")
    if any(sign in letter.to + letter.subject for sign in "\r\n\0"):
        raise ValueError("there is a line break in the head of a letter")


def message_of(letter: Letter, letter_id: str, sender: str) -> EmailMessage:
    check(letter)
    message = EmailMessage()
    message["From"] = sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    message["Message-ID"] = f"<{letter_id}@{sender.rpartition('@')[2].rstrip('>')}>"
    message.set_content(letter.text)
    return message


@dataclass(frozen=True, slots=True)
class SmtpPost:
    """`url`: smtp://user:password@host:587 (encrypted where the server can) or smtps:// (from the first byte)."""

    reaches: ClassVar[bool] = True
    url: str
    sender: str

    async def send(self, letter: Letter, letter_id: str) -> None:
        """See Post."""
        parts = urlsplit(self.url)
        try:
            await aiosmtplib.send(
                message_of(letter, letter_id, self.sender),
                hostname=parts.hostname,
                port=parts.port or PORTS[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                timeout=TIMEOUT_S,
            )
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # No cause attached: the server's answer may hold the address.
            kind = MailRefused if _is_refusal(error) else MailUnavailable
            raise kind(type(error).__name__) from None


@dataclass(frozen=True, slots=True)
class FolderPost:
    """For a machine without a mail server: each letter is a file that mail programs open."""

    reaches: ClassVar[bool] = False
    folder: Path
    sender: str

    async def send(self, letter: Letter, letter_id: str) -> None:
        """See Post."""
        try:
            await asyncio.to_thread(self._write, message_of(letter, letter_id, self.sender).as_bytes(), letter_id)
        except OSError as error:
            raise MailUnavailable(type(error).__name__) from None

    def _write(self, letter: bytes, letter_id: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.folder / f"{letter_id}.eml").write_bytes(letter)


def _is_refusal(error: Exception) -> bool:
    """Whether the one address was refused for good: 550 to 556 (RFC 5321 §4.2.3, RFC 7504), said of the recipient."""
    if not isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return False
    return all(550 <= refused.code <= 556 for refused in error.recipients)


def open_post(url: str, sender: str, folder: Path) -> Post:
    return SmtpPost(url, sender) if url else FolderPost(folder, sender)
