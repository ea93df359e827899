"""The carrier's REST API through its SDK, against a far end that closes connections when it likes."""

import asyncio
import json

from telephony.carrier_port import Transfer
from telephony.twilio.rest import TwilioCarrier

TRANSFER = Transfer(
    to_number="+15550100", from_number="+15550101", ring_timeout_s=20, time_limit_s=60, done_url="http://localhost/done"
)


async def test_a_request_never_goes_over_a_connection_that_the_carrier_is_about_to_close() -> None:
    """It answers one request a connection, promises to keep it, and does not: what comes next there is lost."""
    requests: list[str] = []
    closed = asyncio.Semaphore(0)

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        [length] = [line.split()[1] for line in head.split("\r\n") if line.lower().startswith("content-length")]
        requests.append((await reader.readexactly(int(length))).decode())
        body = json.dumps({"sid": "CA1", "status": "in-progress"}).encode()
        kept = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: keep-alive\r\n"
        writer.write(kept + f"content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        await reader.read(1)
        writer.close()
        await writer.wait_closed()
        closed.release()

    server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
    async with server:
        carrier = TwilioCarrier("AC1", "token", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        try:
            async with asyncio.timeout(20):
                await carrier.put_through("CA1", TRANSFER)
                await carrier.hang_up("CA1")
        finally:
            await carrier.aclose()
        async with asyncio.timeout(5):
            await closed.acquire()
            await closed.acquire()
    assert len(requests) == 2
    assert "Dial" in requests[0]
    assert requests[1] == "Status=completed"
