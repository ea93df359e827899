"""The TwiML that we answer with, by the official SDK's builder."""

from twilio.twiml.voice_response import Connect, VoiceResponse

from telephony.carrier_port import Transfer


def connect_stream(stream_url: str) -> str:
    """Return the document that opens a two-way stream, and hangs up when our side closes it."""
    response = VoiceResponse()
    connect = Connect()
    connect.stream(url=stream_url)
    response.append(connect)
    # Closing the stream does not hang up the phone; the verb after it does, if our REST call does not come first.
    response.hangup()
    return str(response)


def dial_number(transfer: Transfer) -> str:
    """Return the document that connects the call with somebody. Only with a permit for the number."""
    response = VoiceResponse()
    dial = response.dial(
        answer_on_bridge=True,  # the prospect hears it ring
        caller_id=transfer.from_number,
        timeout=transfer.ring_timeout_s,
        time_limit=transfer.time_limit_s,
        action=transfer.done_url,
        method="POST",
    )
    dial.number(transfer.to_number)
    return str(response)


def apologise(text: str, language: str) -> str:
    """Return the document that says so, by the carrier's voice, and hangs up."""
    response = VoiceResponse()
    response.say(text, language=language)
    response.hangup()
    return str(response)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)
