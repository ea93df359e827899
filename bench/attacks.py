"""What hostile or broken peers do to a stream's socket, each once; `bench/fuzz.py` does them by the thousand.

An attack ends when the server has reacted as decided, or raises Unexpected. That the server drops the connection is
never unexpected; OSError and NotUpgraded go to the caller, who knows whether the server is still there.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from random import Random
from typing import Final

from bench import mutate
from bench.ws_frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawStream, frame, raw_stream
from telephony.http_protocol import HANDSHAKE_TIMEOUT_S
from telephony.stream_protocol import LINGER_S
from telephony.twilio.leg import CLOSE_TIMEOUT_S, FLOOD_FRAMES, SEND_TIMEOUT_S, SILENCE_TIMEOUT_S, START_TIMEOUT_S
from telephony.twilio.messages import FRAME_CHARS_MAX

Attack = Callable[[str, Random], Awaitable[None]]

SOON_S: Final = 5.0  # within which a connection that is over is closed
PATIENCE_S: Final = 5.0  # on top of the server's own time-outs
CLOSE_WAIT_S: Final = 10.0  # for a peer's close after its stop
TAKES_NOTHING_S: Final = SEND_TIMEOUT_S + CLOSE_TIMEOUT_S + LINGER_S
_HOUR_MS: Final = 3_600_000
_CLOSE_HEAD: Final = b"\x88"


class Unexpected(Exception):
    """The server did not do what is decided for this."""


@contextlib.asynccontextmanager
async def _call(url: str, chance: Random, receive_bytes: int = 0) -> AsyncGenerator[RawStream]:
    """A stream that has become a call."""
    async with raw_stream(url, receive_bytes) as stream:
        await stream.upgrade()
        for message in (mutate.connected(), mutate.start(chance.randrange(2**40))):
            stream.write(frame(TEXT, message))
        for index in range(chance.randint(0, 10)):
            stream.write(_media(index, index * 20, chance))
        yield stream


def _media(index: int, stamp_ms: int | str, chance: Random, size: int = 160) -> bytes:
    return frame(TEXT, mutate.media(index + 2, stamp_ms, chance.randbytes(size)))


async def _closed(stream: RawStream, within_s: float, what: str, *, polite: bool = True) -> None:
    """Read on until the server closes; `polite` answers its close, or it would wait for that."""
    try:
        async with asyncio.timeout(within_s):
            while chunk := await stream.read():
                # No other frame has such a byte: the server speaks JSON in ASCII, and pongs have other heads.
                if polite and _CLOSE_HEAD in chunk:
                    stream.write(frame(CLOSE, b"\x03\xe8"))
    except TimeoutError:
        raise Unexpected(f"{what}: still open after {within_s:.0f} s") from None


async def _stop(stream: RawStream, what: str, chance: Random) -> None:
    """Say stop; answer the server's close or leave it waiting for that."""
    stream.write(frame(TEXT, mutate.stop()))
    polite = chance.random() < 0.7
    within_s = SOON_S if polite else CLOSE_WAIT_S + PATIENCE_S
    await _closed(stream, within_s, f"{what}, then stop", polite=polite)


# Messages


async def damaged_messages(url: str, chance: Random) -> None:
    kinds = mutate.all_kinds()
    async with _call(url, chance) as stream:
        for _ in range(chance.randint(20, 400)):
            message = mutate.damaged(kinds, chance)[:FRAME_CHARS_MAX]
            stream.write(frame(chance.choice((TEXT, TEXT, BINARY)), message))
            if chance.random() < 0.05:
                await asyncio.sleep(0.02)
        await _stop(stream, "damaged messages", chance)


async def wrong_order(url: str, chance: Random) -> None:
    """Duplicated, late and shuffled frames, and other messages where they do not belong."""
    async with _call(url, chance) as stream:
        frames = [_media(index, index * 20, chance) for index in range(60)]
        frames += chance.choices(frames, k=30) + [frame(TEXT, kind) for kind in mutate.all_kinds()[:-1]] * 2
        chance.shuffle(frames)
        for raw in frames:
            stream.write(raw)
            await asyncio.sleep(0.005)
        await _stop(stream, "wrong order", chance)


async def stamps_that_jump(url: str, chance: Random) -> None:
    stamps: list[int | str] = [0, 20, 5 * _HOUR_MS, 40, 24 * _HOUR_MS, 24 * _HOUR_MS + 1, 0, "9" * 15, "-20", "9" * 40]
    async with _call(url, chance) as stream:
        for index in range(60):
            stamp = chance.choice(stamps) if chance.random() < 0.4 else index * 20
            stream.write(_media(index, stamp, chance))
            await asyncio.sleep(0.01)
        await _stop(stream, "jumping stamps", chance)


async def sizes(url: str, chance: Random) -> None:
    """Empty, odd and large audio; then a message over the limit, which ends the connection."""
    async with _call(url, chance) as stream:
        for index, size in enumerate((0, 1, 159, 161, 799, 8_000, 8_001, 40_000)):
            stream.write(_media(index, index * 1_000, chance, size))
            await asyncio.sleep(0.02)
        over = chance.choice((FRAME_CHARS_MAX + 1, 100_000, 1_000_000))
        stream.write(frame(chance.choice((TEXT, BINARY)), b"x" * over))
        await _closed(stream, SOON_S, "an oversized message")


async def flood(url: str, chance: Random) -> None:
    """More frames at once than any network holds back."""
    async with _call(url, chance) as stream:
        raw = _media(1, 0, chance)
        for _ in range(10):
            stream.write(raw * (FLOOD_FRAMES // 5))
            await asyncio.sleep(0.05)
        await _closed(stream, SOON_S, "a flood")


async def odd_lives(url: str, chance: Random) -> None:
    """Stop before start, start twice, messages behind the stop."""
    async with raw_stream(url) as stream:
        await stream.upgrade()
        good = [mutate.start(), mutate.start(), mutate.connected(), mutate.mark(), mutate.dtmf()]
        order = [mutate.stop(), *chance.sample(good, len(good)), mutate.media(2, 0, b"\xff" * 160)]
        for message in [*order, mutate.start()]:
            stream.write(frame(TEXT, message))
        await asyncio.sleep(0.1)
        stream.write(frame(TEXT, mutate.stop()) + frame(TEXT, mutate.mark()) * 20)
        await _closed(stream, SOON_S, "an odd life")


# Silence


async def no_start(url: str, chance: Random) -> None:
    async with raw_stream(url) as stream:
        await stream.upgrade()
        if chance.random() < 0.5:
            stream.write(frame(TEXT, mutate.connected()))
        await _closed(stream, START_TIMEOUT_S + PATIENCE_S, "a stream that never starts")


async def falls_silent(url: str, chance: Random) -> None:
    async with _call(url, chance) as stream:
        stream.write(frame(TEXT, mutate.media(2, 0, b"\xff" * 160))[: chance.randint(1, 200)])
        # In the middle of a frame, so an answer to the server's close would only be more of that frame.
        within_s = SILENCE_TIMEOUT_S + CLOSE_WAIT_S + PATIENCE_S
        await _closed(stream, within_s, "a stream that fell silent", polite=False)


async def half_open(url: str, chance: Random) -> None:
    """A connection that says nothing, or half of a handshake."""
    async with raw_stream(url) as stream:
        stream.write(stream.handshake[: chance.choice((0, 0, 1, 20, 80, len(stream.handshake) - 2))])
        await _closed(stream, HANDSHAKE_TIMEOUT_S + PATIENCE_S, "half a handshake")


async def stops_reading(url: str, chance: Random) -> None:
    """Takes nothing, and asks for as many answers as it can: the server lets go instead of keeping them."""
    async with _call(url, chance, receive_bytes=4_096) as stream:
        stream.stop_reading()
        ping = frame(PING, b"p" * 125)
        for index in range(int((TAKES_NOTHING_S + 2 * PATIENCE_S) / 0.02)):
            # What the server does not read any more is not sent either: it would only be our own memory.
            if stream.unsent_bytes < 100_000:
                stream.write(ping * 200 + _media(index, index * 20, chance))
            await asyncio.sleep(0.02)
            if stream.closed:
                return
        raise Unexpected("a peer that reads nothing was not cut")


# Frames


async def forbidden_frames(url: str, chance: Random) -> None:
    """What RFC 6455 forbids; each ends the connection."""
    kind = chance.randrange(9)
    bad = (
        frame(chance.choice((3, 4, 5, 6, 7, 11, 12, 13, 14, 15)), b"x"),
        frame(TEXT, b"x", reserved=chance.randint(1, 7)),
        frame(TEXT, mutate.mark(), masked=False),
        frame(PING, b"x" * 126),
        frame(PING, b"x", final=False),
        frame(CONT, b"x"),
        frame(TEXT, b"a", final=False) + frame(TEXT, b"b"),
        frame(TEXT, b"\xff\xfe\xfd", claimed=2**62),
        frame(CLOSE, b"\x00"),
    )[kind]
    async with _call(url, chance) as stream:
        stream.write(bad)
        await _closed(stream, SOON_S, f"forbidden frame {kind}")


async def pieces(url: str, chance: Random) -> None:
    """Good messages in many fragments with pings between them, some byte by byte: no reason to end a call."""
    async with _call(url, chance) as stream:
        for index in range(5):
            message = mutate.media(index + 2, index * 20, chance.randbytes(160))
            cuts = sorted(chance.sample(range(1, len(message)), 12))
            parts = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
            for place, part in enumerate(parts):
                raw = frame(CONT if place else TEXT, part, final=place == len(parts) - 1)
                stream.write(raw + frame(chance.choice((PING, PONG)), b"between"))
        for byte in _media(9, 200, chance):
            stream.write(bytes([byte]))
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        if stream.closed:
            raise Unexpected("a call was ended for sending messages in pieces")
        await _stop(stream, "messages in pieces", chance)


async def endless_message(url: str, chance: Random) -> None:
    async with _call(url, chance) as stream:
        stream.write(frame(TEXT, b"{", final=False))
        for _ in range(FRAME_CHARS_MAX // 1_000 + 20):
            stream.write(frame(CONT, b" " * 1_000, final=False))
        await _closed(stream, SOON_S, "an endless message")


async def pings(url: str, chance: Random) -> None:
    async with _call(url, chance) as stream:
        for _ in range(20):
            stream.write(frame(PING, chance.randbytes(chance.randint(0, 125))) * 100)
            await asyncio.sleep(0.01)
        await _stop(stream, "pings", chance)


# Ends


async def reset(url: str, chance: Random) -> None:
    """RST at any moment: before the handshake, in it, in a frame, in a call."""
    async with raw_stream(url) as stream:
        if chance.random() < 0.8:
            await stream.upgrade()
            stream.write(frame(TEXT, mutate.start()) + _media(1, 0, chance)[: chance.randint(1, 300)])
        await asyncio.sleep(chance.choice((0, 0, 0.01, 0.3)))


async def odd_closes(url: str, chance: Random) -> None:
    """Close with any code, then talk on; or leave the server's own close without an answer."""
    async with _call(url, chance) as stream:
        if chance.random() < 0.5:
            code = chance.choice((1000, 1001, 1005, 1006, 1015, 0, 2999, 4999, 65535))
            stream.write(frame(CLOSE, code.to_bytes(2, "big") + b"reason") + frame(TEXT, mutate.mark()) * 5)
        else:
            stream.write(frame(TEXT, mutate.stop()))
        await _closed(stream, SOON_S, "a close")


async def other_requests(url: str, chance: Random) -> None:
    """HTTP that is no handshake of ours."""
    async with raw_stream(url) as stream:
        good = stream.handshake
        stream.write(
            chance.choice(
                (
                    good.replace(b"Version: 13", b"Version: 8"),
                    good.replace(b"Sec-WebSocket-Key", b"X-Key"),
                    good.replace(b"GET /", b"GET /other/"),
                    good.replace(b"GET", b"POST"),
                    good.replace(b"HTTP/1.1", b"HTTP/1.0"),
                    good.replace(b"\r\n\r\n", b"\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n"),
                    chance.randbytes(500) + b"\r\n\r\n",
                    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20,
                )
            )
        )
        try:
            async with asyncio.timeout(1):
                await stream.read()
        except TimeoutError:
            pass


ATTACKS: Final[Mapping[str, Attack]] = {
    attack.__name__: attack
    for attack in (
        *(damaged_messages, wrong_order, stamps_that_jump, sizes, flood, odd_lives, no_start, falls_silent, half_open),
        *(stops_reading, forbidden_frames, pieces, endless_message, pings, reset, odd_closes, other_requests),
    )
}
# They wait out a time-out of the server's.
SLOW: Final = frozenset({"no_start", "falls_silent", "half_open", "stops_reading"})
