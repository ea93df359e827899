"""Tells the customer how a call goes: status, machine-detection and stream callbacks, each delivered by its own task.

The order of arrival is not guaranteed, as the vendor does not; faults may repeat, delay or lose one.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final
from uuid import uuid4

import structlog

from telephony.carrier.amd import Verdict
from telephony.carrier.calls import SIP_CODES, Call, Event, Status, form_of
from telephony.carrier.faults import Faults
from telephony.carrier.webhooks import Form, WebhookFailed, Webhooks

CALLBACKS_NOTED_MAX: Final = 100
STATUS_CALLBACK_FAILED: Final = 15003

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Announcer:
    """The callbacks of one call. Deliveries live in the call's own task group, which waits for them."""

    call: Call
    webhooks: Webhooks
    faults: Faults
    tasks: asyncio.TaskGroup

    def status(self, event: Event) -> None:
        """Tell that `event` has happened, if the customer asked for it."""
        order = self.call.order
        if not order.status_callback or event not in order.events:
            return
        now = datetime.now(UTC)
        form = [
            *form_of(self.call, Status.INITIATED if event is Event.INITIATED else None),
            ("Timestamp", format_datetime(now)),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", str(self.call.sequence)),
        ]
        self.call.sequence += 1
        if event is Event.COMPLETED:
            seconds = self.call.duration_s
            form += [
                ("Duration", str(-(-seconds // 60))),
                ("CallDuration", str(seconds)),
                ("SipResponseCode", str(SIP_CODES[self.call.status])),
            ]
        self._deliver(event, order.status_callback, order.status_callback_method, form)

    def answered_by(self, verdict: Verdict, after_ms: float) -> None:
        order = self.call.order
        if not order.async_amd or not order.amd_callback:
            return
        form = [
            ("CallSid", self.call.sid),
            ("AccountSid", self.call.account_sid),
            ("AnsweredBy", verdict.value),
            ("MachineDetectionDuration", str(round(after_ms))),
        ]
        self._deliver("amd", order.amd_callback, order.amd_callback_method, form)

    def stream(self, event: str, stream_sid: str, name: str, url: str, method: str, error: int | None = None) -> None:
        if not url:
            return
        form = [
            ("AccountSid", self.call.account_sid),
            ("CallSid", self.call.sid),
            ("StreamSid", stream_sid),
            ("StreamName", name or stream_sid),
            ("StreamEvent", event),
            ("Timestamp", datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")),
        ]
        if error is not None:
            form.append(("StreamError", str(error)))
        self._deliver(event, url, method, form)

    def _deliver(self, event: str, url: str, method: str, form: Form) -> None:
        token = str(uuid4())
        for delay_s in self.faults.deliveries(self.call.order.theirs):
            self.tasks.create_task(
                self._send(event, url, method, form, token, delay_s), name=f"carrier.callback.{event}"
            )

    async def _send(self, event: str, url: str, method: str, form: Form, token: str, delay_s: float) -> None:
        if delay_s:
            await asyncio.sleep(delay_s)
        try:
            outcome = str((await self.webhooks.send(url, method, form, token)).status)
        except WebhookFailed as error:
            outcome = str(error)
            self.call.note(STATUS_CALLBACK_FAILED, f"{event}: {error}")
            log.warning("carrier.callback_failed", callback=str(event), call_sid=self.call.sid, reason=str(error))
        if len(self.call.callbacks) < CALLBACKS_NOTED_MAX:
            fields = dict(form)
            self.call.callbacks.append(
                {
                    "event": str(event),
                    "status": fields.get("CallStatus") or fields.get("AnsweredBy") or fields.get("StreamEvent"),
                    "sequence": fields.get("SequenceNumber"),
                    "outcome": outcome,
                    "at": datetime.now(UTC).isoformat(),
                }
            )
