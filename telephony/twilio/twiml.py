"""The TwiML that we answer with, by the official SDK's builder."""

from twilio.twiml.voice_response import Connect, VoiceResponse


def connect_stream(stream_url: str) -> str:
    """Return the document that opens a two-way stream, and hangs up when our side closes it."""
    response = VoiceResponse()
    connect = Connect()
    connect.stream(url=stream_url)
    response.append(connect)
    # Closing the stream does not hang up the phone; the verb after it does, if our REST call does not come first.
    response.hangup()
    return str(response)


def hang_up() -> str:
    response = VoiceResponse()
    response.hangup()
    return str(response)
