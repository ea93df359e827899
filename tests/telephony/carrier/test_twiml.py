"""TwiML documents to verbs, and those that are refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Connect, VoiceResponse

from telephony.carrier import errors, twiml
from telephony.carrier_port import Transfer
from telephony.twilio.twiml import apologise, dial_number


def test_reads_what_the_official_library_writes() -> None:
    connect = Connect()
    stream = connect.stream(url="wss://example.com/n/voice-1/x", name="s", status_callback="https://example.com/cb")
    stream.parameter(name="call_id", value="1")
    response = VoiceResponse()
    response.append(connect)
    response.pause(length=2)
    response.say("Goodbye.")
    response.redirect("/again", method="GET")
    response.hangup()
    assert twiml.parse(str(response)) == (
        twiml.Stream("wss://example.com/n/voice-1/x", "s", (("call_id", "1"),), "https://example.com/cb", "POST"),
        twiml.Pause(2),
        twiml.Say("Goodbye."),
        twiml.Redirect("/again", "GET"),
        twiml.Hangup(),
    )


def test_reads_the_dial_that_our_adapter_writes() -> None:
    transfer = Transfer("+12025550144", "+12025550100", 25, 300, "https://example.com/done?language=pt-BR")
    [dial] = twiml.parse(dial_number(transfer))
    assert dial == twiml.Dial("+12025550144", 25, 300, "https://example.com/done?language=pt-BR", "POST")
    assert twiml.parse("<Response><Dial>+12025550100</Dial></Response>") == (twiml.Dial("+12025550100"),)
    assert twiml.parse(apologise("Desculpe.", "pt-BR")) == (twiml.Say("Desculpe."), twiml.Hangup())


def test_an_empty_response_ends_the_call() -> None:
    assert twiml.parse(b"<?xml version='1.0' encoding='UTF-8'?><Response/>") == ()


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("", errors.TWIML_MALFORMED),
        ("<Response>", errors.TWIML_MALFORMED),
        ("<Answer/>", errors.TWIML_MALFORMED),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><Response>&a;</Response>", errors.TWIML_MALFORMED),
        ("<Response><Enqueue>support</Enqueue></Response>", errors.TWIML_INVALID),
        ("<Response><Dial/></Response>", errors.TWIML_INVALID),
        ("<Response><Dial>911</Dial></Response>", errors.TWIML_INVALID),
        ("<Response><Dial><Sip>sip:a@b</Sip></Dial></Response>", errors.TWIML_INVALID),
        ("<Response><Dial timeout='soon'>+12025550100</Dial></Response>", errors.TWIML_INVALID),
        ("<Response><Connect/></Response>", errors.TWIML_INVALID),
        ("<Response><Connect><Stream url='https://example.com'/></Connect></Response>", errors.TWIML_INVALID),
        ("<Response><Connect><Stream url='wss://a/'><Parameter name='x'/></Stream></Connect></Response>", 12200),
        (
            f"<Response><Connect><Stream url='wss://a/'><Parameter name='x' value='{'y' * 499}'/>"
            "</Stream></Connect></Response>",
            12200,
        ),
        ("<Response><Pause length='-1'/></Response>", errors.TWIML_INVALID),
        ("<Response><Redirect/></Response>", errors.TWIML_INVALID),
        ("<Response>" + " " * (64 * 1024) + "</Response>", errors.TWIML_TOO_LARGE),
    ],
)
def test_refuses(document: str, code: int) -> None:
    with pytest.raises(twiml.BadTwiml) as caught:
        twiml.parse(document)
    assert caught.value.code == code


@given(st.text() | st.binary())
def test_no_third_outcome(document: str | bytes) -> None:
    with contextlib.suppress(twiml.BadTwiml):
        twiml.parse(document)
