"""Carries out a TwiML script on a live call, verb after verb."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urljoin

import structlog

from telephony.carrier import errors, twiml, ulaw
from telephony.carrier.callbacks import Announcer
from telephony.carrier.calls import Address, Call, Inline, Source, form_of, new_sid
from telephony.carrier.line import Line
from telephony.carrier.persona import Answer
from telephony.carrier.stream import StreamFaults, StreamLeg
from telephony.carrier.stream_wire import Writer
from telephony.carrier.voice import VoiceThread
from telephony.carrier.webhooks import Form, WebhookFailed, Webhooks

VERBS_MAX: Final = 200  # of one call: a script that redirects to itself for ever is stopped here

log = structlog.get_logger()


async def load(source: Source, call: Call, webhooks: Webhooks, known: Form = ()) -> tuple[twiml.Verb, ...]:
    """Return the script at `source`, asked for with what is `known` beside the call.

    Raises:
        BadTwiml, WebhookFailed
    """
    match source:
        case Inline(document=document):
            return twiml.parse(document)
        case Address(url=url, method=method):
            return twiml.parse((await webhooks.send(url, method, [*form_of(call), *known])).body)


@dataclass(slots=True)
class Script:
    """One call's script. Run it in a task of its own; cancelling hangs up on whatever it is at."""

    call: Call
    line: Line
    announcer: Announcer
    webhooks: Webhooks
    voice: VoiceThread
    auth_token: str
    stream_faults: StreamFaults
    answered_by: str | None = None  # told to the first document when the call waited for the machine detection
    answer_of: Callable[[str], Answer] = lambda number: Answer()  # who sits at a number, as they answer
    _verbs_done: int = 0
    _dial_status: str = ""  # of the last <Dial>

    async def run(self, source: Source, verbs: tuple[twiml.Verb, ...] | None = None) -> None:
        """Carry out the script at `source` to its end; a bad one is noted and ends. `verbs`: its, if they are known."""
        next_source: Source | None = source
        try:
            while next_source is not None:
                loaded = verbs if verbs is not None else await self._load(next_source)
                verbs = None
                next_source = await self._carry_out(loaded, next_source)
        except twiml.BadTwiml as error:
            self._note(error.code, str(error))
        except WebhookFailed as error:
            self._note(errors.TWIML_FETCH_FAILED, f"TwiML: {error}")

    async def _load(self, source: Source) -> tuple[twiml.Verb, ...]:
        known = [("AnsweredBy", self.answered_by), ("DialCallStatus", self._dial_status)]
        return await load(source, self.call, self.webhooks, [(name, value) for name, value in known if value])

    async def _carry_out(self, verbs: tuple[twiml.Verb, ...], source: Source) -> Source | None:
        """Return where the script goes on, None at its end."""
        for verb in verbs:
            self._verbs_done += 1
            if self._verbs_done > VERBS_MAX:
                raise twiml.BadTwiml(errors.TWIML_INVALID, f"more than {VERBS_MAX} verbs in one call")
            match verb:
                case twiml.Stream():
                    await self._stream(verb)
                case twiml.Say(text=text):
                    await self._say(text)
                case twiml.Pause(length_s=length_s):
                    await asyncio.sleep(length_s)
                case twiml.Redirect(url=url, method=method):
                    base = source.url if isinstance(source, Address) else ""
                    return Address(urljoin(base, url), method)
                case twiml.Dial():
                    self._dial_status = await self._dial(verb.number, verb.timeout_s, verb.time_limit_s)
                    if verb.action:
                        return Address(verb.action, verb.method)
                case twiml.Hangup() | twiml.Reject():
                    # Once a call is answered there is nothing left to reject.
                    return None
        return None

    async def _stream(self, verb: twiml.Stream) -> None:
        sid = new_sid("MZ")
        self.call.streams.append(sid)
        leg = StreamLeg(Writer(self.call.account_sid, self.call.sid, sid), self.line, self.auth_token, self._note)

        def tell(event: str, error: int | None = None) -> None:
            url, method = verb.status_callback, verb.status_callback_method
            self.announcer.stream(event, sid, verb.name, url, method, error)

        def started() -> None:
            if self.call.stream_started_at is None:
                self.call.stream_started_at = datetime.now(UTC)
            tell("stream-started")

        try:
            await leg.run(verb.url, dict(verb.parameters), self.stream_faults, started)
        finally:
            if leg.error is None:
                tell("stream-stopped")
            else:
                tell("stream-error", leg.error)

    async def _dial(self, number: str, timeout_s: float, time_limit_s: float) -> str:
        """Ring at a number; whoever picks up stays until the limit, for nobody here speaks through to them."""
        self.call.dialed.append(number)
        answer = self.answer_of(number)
        rings_s = timeout_s if answer.how == "no_answer" else answer.rings_s
        await asyncio.sleep(min(rings_s, timeout_s))
        if answer.how == "no_answer" or rings_s > timeout_s:
            return "no-answer"
        if answer.how != "picks_up":
            return answer.how
        self.call.bridged_to = number
        await asyncio.sleep(time_limit_s)
        return "completed"

    async def _say(self, text: str) -> None:
        spoken = await self.voice.say(text, "en-us")
        self.line.put(ulaw.encode(spoken.pcm))
        await asyncio.sleep((self.line.playout.buffered_bytes + ulaw.FRAME_SAMPLES) / ulaw.RATE_HZ)

    def _note(self, code: int, text: str) -> None:
        self.call.note(code, text)
        log.warning("carrier.noted", call_sid=self.call.sid, code=code, reason=text)
