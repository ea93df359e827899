"""A mail server that keeps what it is sent, on a real port."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session


class Box:
    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.refuse = ""  # what it says to a letter instead
        self.refuse_address = ""  # what it says to whom a letter is for

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refuse_address:
            return self.refuse_address
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return self.refuse
        self.got.append(envelope)
        return "250 OK"

    def messages(self) -> list[EmailMessage]:
        """Return the letters, read as mail programs do."""
        read = []
        for envelope in self.got:
            assert isinstance(envelope.content, bytes)
            read.append(email.message_from_bytes(envelope.content, EmailMessage, policy=email.policy.default))
        return read


@asynccontextmanager
async def mail_server() -> AsyncIterator[tuple[Box, str]]:
    """Yield its box and its address."""
    box = Box()
    loop = asyncio.get_running_loop()
    made = await loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0)
    yield box, f"smtp://127.0.0.1:{made.sockets[0].getsockname()[1]}"
    made.close()
    await made.wait_closed()
