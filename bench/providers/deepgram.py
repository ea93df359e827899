"""Deepgram's sockets: listen v1 (Nova: interim and final results) and listen v2 (Flux: turns), as a server.

Written from the vendor's public reference and the message types of its SDK, apart from the product's provider. A
final comes so long after the last voiced packet as the script says, and not before the client gave a reason: silence
after the words, or `Finalize`.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.providers.coded_speech import CodedWord
from bench.providers.scripted_ear import Ear
from bench.providers.socket_server import Link
from bench.providers.speech_script import Hearing, Saying, Seen
from media.codec import g711

_REQUEST_ID: Final = "00000000-0000-4000-8000-000000000001"
_ENDPOINTING_MS: Final = 10  # the vendor's default
_END_OF_TURN_TIMEOUT_MS: Final = 5_000


class Deepgram:
    """Implements `Dialect`."""

    def key_of(self, header: Callable[[str], str]) -> str:
        return header("authorization").removeprefix("Token ").removeprefix("Bearer ")

    def refusal(self, status: int, code: str = "") -> object:
        usual, message = {
            400: ("Bad Request", "Invalid query string."),
            401: ("INVALID_AUTH", "Invalid credentials."),
            403: ("INSUFFICIENT_PERMISSIONS", "User does not have sufficient permissions."),
            404: ("NOT_FOUND", "There is nothing here."),
            429: ("TOO_MANY_REQUESTS", "Too many requests. Please try again later."),
        }.get(status, ("INTERNAL_SERVER_ERROR", "Something went wrong."))
        return {"err_code": code or usual, "err_msg": message, "request_id": _REQUEST_ID}

    def page(self, path: str) -> object | None:
        if path == "/v1/projects":
            return {"projects": [{"project_id": _REQUEST_ID, "name": "Bench"}]}
        return None

    async def converse(self, link: Link, seen: Seen, reaction: Hearing | Saying) -> None:
        assert isinstance(reaction, Hearing)
        listener: _Nova | _Flux = _Flux(link, seen, reaction) if seen.path.startswith("/v2") else _Nova(link, reaction)
        linear = seen.query.get("encoding") == "linear16"  # at 8 kHz; else what the line carries
        loop = asyncio.get_running_loop()
        idle_at = loop.time() + reaction.idle_s
        await listener.opened()
        while True:
            due = min(idle_at, listener.due_at if listener.due_at is not None else idle_at)
            try:
                message = await link.receive(max(0.0, due - loop.time()))
            except TimeoutError:
                if loop.time() >= idle_at:
                    # NET-0001: neither audio nor a KeepAlive came.
                    await link.close(1011, "NET0001")
                    return
                await listener.tick(loop.time())
                continue
            idle_at = loop.time() + reaction.idle_s
            if isinstance(message, bytes):
                ulaw = g711.encode(np.frombuffer(message, "<i2")) if linear else message
                seen.audio += ulaw
                await listener.audio(ulaw, loop.time())
                if reaction.fault is not None and len(seen.audio) >= reaction.fault_after_ms * 8:
                    await link.fail(reaction.fault, listener.error)
                    await link.until_left()
            else:
                seen.messages.append(message)
                if not await listener.control(json.loads(message), loop.time()):
                    await link.close()
                    return


class _Nova:
    error: Final[Any] = {"type": "Error", "variant": "InternalServerError", "description": "Something went wrong."}

    def __init__(self, link: Link, hearing: Hearing) -> None:
        self._link = link
        self._ear = Ear(hearing)
        self._hearing = hearing
        self._told_ms = 0  # the stream's place up to which a partial was told
        self._finalized = False  # the client asked
        self._finals_at: float | None = None  # when the last words may be told
        self._final_due = False  # somebody gave a reason to
        self._whole_at: float | None = None  # when a first guess at all of them is told

    @property
    def due_at(self) -> float | None:
        moments = [self._whole_at, self._finals_at if self._final_due else None]
        return min((moment for moment in moments if moment is not None), default=None)

    async def opened(self) -> None:
        """Nova says nothing first."""

    async def audio(self, ulaw: bytes, now: float) -> None:
        voiced_before = self._ear.voiced
        if self._ear.feed(ulaw):
            self._finals_at = now + self._hearing.final_s
            if self._hearing.partial_s is not None:
                self._whole_at = now + self._hearing.partial_s
            if not voiced_before:
                started_s = self._ear.first_voiced_ms / 1000
                await self._link.send({"type": "SpeechStarted", "channel": [0], "timestamp": started_s})
        elif self._ear.voiced and self._ear.heard_ms - self._ear.last_voiced_ms >= _ENDPOINTING_MS:
            self._final_due = True
        if self._ear.voiced and self._ear.heard_ms - self._told_ms >= self._hearing.partial_every_ms:
            self._told_ms = self._ear.heard_ms
            start_ms = self._ear.first_voiced_ms
            await self._results(self._ear.partial, start_ms, self._ear.heard_ms, is_final=False)

    async def control(self, message: dict[str, Any], now: float) -> bool:
        """Obey; False when the connection shall be closed."""
        match message.get("type"):
            case "KeepAlive":
                pass
            case "Finalize":
                self._finalized = True
                if self._finals_at is None or self._finals_at <= now:
                    await self._final()
                else:
                    self._final_due = True
            case "CloseStream":
                if self._ear.voiced:
                    await self._final()
                await self._link.send(_metadata(self._ear.heard_ms))
                return False
            case kind:
                error = {"type": "Error", "variant": "SchemaError", "description": f"unknown message {kind}"}
                await self._link.send(error)
        return True

    async def tick(self, now: float) -> None:
        if self._whole_at is not None and now >= self._whole_at:
            self._whole_at = None
            await self._results(self._ear.words, self._ear.first_voiced_ms, self._ear.heard_ms, is_final=False)
        if self._final_due and self._finals_at is not None and now >= self._finals_at:
            await self._final()

    async def _final(self) -> None:
        self._finals_at = self._whole_at = None
        self._final_due = False
        words, start_ms, end_ms = self._ear.end()
        self._told_ms = end_ms
        finalized, self._finalized = self._finalized, False
        await self._results(words, start_ms, end_ms, is_final=True, speech_final=bool(words), finalized=finalized)

    async def _results(
        self,
        words: Sequence[CodedWord],
        start_ms: int,
        end_ms: int,
        *,
        is_final: bool,
        speech_final: bool = False,
        finalized: bool = False,
    ) -> None:
        alternative = {
            "transcript": " ".join(word.text for word in words),
            "confidence": 0.98 if words else 0.0,
            "words": [_word(word) | {"punctuated_word": word.text} for word in words],
        }
        await self._link.send(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "duration": (end_ms - start_ms) / 1000,
                "start": start_ms / 1000,
                "is_final": is_final,
                "speech_final": speech_final,
                "channel": {"alternatives": [alternative]},
                "metadata": {
                    "request_id": _REQUEST_ID,
                    "model_info": {"name": "general-nova-3", "version": "2025-01-01.0", "arch": "nova-3"},
                    "model_uuid": _REQUEST_ID,
                },
                "from_finalize": finalized,
            }
        )


@dataclass(slots=True)
class _Turn:
    index: int = 0
    begun: bool = False
    likely: bool = False  # EagerEndOfTurn was told


class _Flux:
    def __init__(self, link: Link, seen: Seen, hearing: Hearing) -> None:
        self._link = link
        self._ear = Ear(hearing)
        self._hearing = hearing
        self._eager = "eager_eot_threshold" in seen.query
        self._manual = float(seen.query.get("eot_threshold", "0.7")) >= 1.0
        self._timeout_s = float(seen.query.get("eot_timeout_ms", _END_OF_TURN_TIMEOUT_MS)) / 1000
        self._turn = _Turn()
        self._sequence = 0
        self._told_ms = 0
        self._voiced_at = 0.0
        self._forced = False
        self.due_at: float | None = None

    @property
    def error(self) -> Any:
        return {
            "type": "Error",
            "sequence_id": self._sequence,
            "code": "INTERNAL_SERVER_ERROR",
            "description": "Something went wrong.",
        }

    async def opened(self) -> None:
        await self._send({"type": "Connected", "request_id": _REQUEST_ID})

    async def audio(self, ulaw: bytes, now: float) -> None:
        if self._ear.feed(ulaw):
            self._voiced_at = now
            if self._turn.likely:
                self._turn.likely = False
                await self._info("TurnResumed")
            if not self._turn.begun:
                self._turn.begun = True
                await self._info("StartOfTurn")
        if self._turn.begun:
            self._schedule()
        if self._ear.heard_ms - self._told_ms >= self._hearing.partial_every_ms:
            self._told_ms = self._ear.heard_ms
            await self._info("Update")

    async def control(self, message: dict[str, Any], now: float) -> bool:
        match message.get("type"):
            case "ForceEndTurn":
                if self._turn.begun:  # else ignored, by the reference
                    self._forced = True
                    self._schedule()
                    await self.tick(now)
            case "Configure":
                await self._send({"type": "ConfigureSuccess", "request_id": _REQUEST_ID, "keyterms": []})
            case "CloseStream":
                return False
        return True

    @property
    def _over_s(self) -> float:
        """How long after the last voiced packet the turn ends, as things stand."""
        if self._forced:
            return self._hearing.final_s
        return self._timeout_s if self._manual else self._hearing.turn_s

    def _schedule(self) -> None:
        likely_at = self._voiced_at + self._hearing.likely_s
        over_at = self._voiced_at + self._over_s
        self.due_at = min(likely_at, over_at) if self._eager and not self._turn.likely else over_at

    async def tick(self, now: float) -> None:
        if not self._turn.begun or self.due_at is None or now < self.due_at:
            return
        if now >= self._voiced_at + self._over_s:
            trigger = "manual" if self._forced else "timeout" if self._manual else "model"
            await self._info("EndOfTurn", trigger)
            self._ear.end()
            self._turn, self._forced, self.due_at = _Turn(self._turn.index + 1), False, None
        else:
            self._turn.likely = True
            self._schedule()
            await self._info("EagerEndOfTurn")

    async def _info(self, event: str, trigger: str | None = None) -> None:
        words = self._ear.words if event in ("EndOfTurn", "EagerEndOfTurn") else self._ear.partial
        message = {
            "type": "TurnInfo",
            "request_id": _REQUEST_ID,
            "event": event,
            "turn_index": self._turn.index,
            "audio_window_start": self._ear.first_voiced_ms / 1000,
            "audio_window_end": self._ear.heard_ms / 1000,
            "transcript": " ".join(word.text for word in words),
            "words": [_word(word) for word in words],
            "end_of_turn_confidence": 0.9 if event == "EndOfTurn" else 0.1,
        }
        await self._send(message if trigger is None else message | {"trigger": trigger})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._link.send(message | {"sequence_id": self._sequence})
        self._sequence += 1


def _word(word: CodedWord) -> dict[str, Any]:
    return {"word": word.text, "start": word.start_ms / 1000, "end": word.end_ms / 1000, "confidence": 0.98}


def _metadata(heard_ms: int) -> dict[str, Any]:
    return {
        "type": "Metadata",
        "transaction_key": "deprecated",
        "request_id": _REQUEST_ID,
        "sha256": "0" * 64,
        "created": "2025-01-01T00:00:00.000Z",
        "duration": heard_ms / 1000,
        "channels": 1,
    }
