"""Who answers in the simulation. Each is a coroutine over a `Person`; it ends when the prospect has nothing more to do.

They understand no words of the agent's: like the carrier's personas they know when it speaks and when it is silent,
and what they say next is drawn from what the playbook's callers say.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bench.sim.person import Person
from bench.sim.record import SoundKind

Act = Callable[[Person], Awaitable[None]]

_HELLO: Final = ("Hello?", "Hello, who is this?", "Yes?", "Corner shop, hello.")
_YES: Final = ("Yes, sure.", "Yes, I do.", "Yes, that sounds good.", "Sure, go ahead.")
_WHEN: Final = ("Tomorrow at ten.", "On friday at three.", "Next monday in the morning at nine.")
_NO: Final = ("No, not interested.", "No, thank you.", "I am not interested, thank you.")
_OBJECTIONS: Final = ("How much does it cost?", "That is too expensive.", "We already have a supplier.")
_OPEN: Final = ("Well, it depends, because | | we already have a supplier.", "I would like to | say yes.")
_ASSENT: Final = ("uh-huh", "okay", "right", "mm hmm", "yeah")
_TURNS_MAX: Final = 14


async def eager(person: Person) -> None:
    await _greet(person)
    for line in (_YES, _YES, _YES, _WHEN):
        await _answer(person, line)
    await _go_on(person, _WHEN)


async def interrupter(person: Person) -> None:
    """Takes the floor in the middle of what the agent says, again and again."""
    await _greet(person)
    for turn in range(_TURNS_MAX):
        if person.dice.random() < 0.5:
            if not await person.speaking(person.dice.uniform(200, 3_000)):
                person.hang_up()
            await person.say(
                person.dice.choice((*_YES, *_OBJECTIONS, "Sorry, wait, who is this?", "Hold on a second."))
            )
        else:
            await _answer(person, _WHEN if turn > 5 else _YES)
    person.hang_up()


async def backchannel(person: Person) -> None:
    """Says "uh-huh" and coughs while the agent speaks, and wants the floor only in turn."""
    await _greet(person)
    for turn in range(_TURNS_MAX):
        for _ in range(person.dice.randrange(3)):
            if await person.speaking(person.dice.uniform(300, 2_500), patience_s=6):
                if person.dice.random() < 0.3:
                    await person.sound(person.dice.uniform(60, 400))
                else:
                    await person.say(person.dice.choice(_ASSENT), SoundKind.ASSENT)
        await _answer(person, _WHEN if turn > 2 else _YES)
    person.hang_up()


async def hesitant(person: Person) -> None:
    """Pauses in the middle of sentences."""
    await _greet(person)
    numbers = ("My number is | five five five | oh one two three.", "Let me see, um, | | tomorrow | at ten.")
    for turn in range(_TURNS_MAX):
        await _answer(person, (*numbers, *_OPEN) if turn % 2 else _YES)
    person.hang_up()


async def silent(person: Person) -> None:
    if person.dice.random() < 0.5:
        await _greet(person)
    await person.turn_over(patience_s=60)
    await person.wait(60)
    person.hang_up()


async def leaver(person: Person) -> None:
    """Hangs up at any moment, often in the middle of a word."""
    await _greet(person)
    for _ in range(person.dice.randrange(5)):
        await _answer(person, (*_YES, *_OBJECTIONS))
    match person.dice.randrange(4):
        case 0:
            await person.wait(person.dice.uniform(0, 4))
        case 1:
            await person.speaking(person.dice.uniform(0, 2_000))
        case 2:
            await person.turn_over(0)
        case _:
            # The receiver falls while they speak.
            await person.turn_over(200)
            person.cut_off_after(person.dice.uniform(100, 1_500))
            await person.say("Take me off your list, please.")
    person.hang_up()


async def voicemail(person: Person) -> None:
    """An answering machine: greets, beeps, records for a while, hangs up."""
    await person.wait(0.4)
    await person.say("Hi, you have reached the corner shop. | 300 | We can't come to the phone right now.", pace=0.9)
    await person.say("Please leave a message after the tone.", pace=0.9)
    await person.wait(0.4)
    await person.sound(500, "beep")
    await person.wait(person.dice.uniform(8, 40))
    person.hang_up()


async def not_interested(person: Person) -> None:
    await _greet(person)
    for _ in range(person.dice.randrange(3)):
        await _answer(person, (*_OBJECTIONS, *_YES))
    for _ in range(_TURNS_MAX):
        await _answer(person, (*_NO, "Take me off your list.", "Goodbye."))
    person.hang_up()


async def double_talker(person: Person) -> None:
    """Begins to speak whenever the agent does."""
    await _greet(person)
    for turn in range(_TURNS_MAX):
        if not await person.speaking(person.dice.uniform(0, 350)):
            person.hang_up()
        await person.say(person.dice.choice((*_YES, *_OBJECTIONS, *(_WHEN if turn > 4 else ()))))
        if person.dice.random() < 0.4:
            await _answer(person, _YES)
    person.hang_up()


async def adder(person: Person) -> None:
    """Goes on after what sounded like the end."""
    await _greet(person)
    for turn in range(_TURNS_MAX):
        await _answer(person, _WHEN if turn > 5 else _YES)
        await person.wait(person.dice.uniform(0.2, 1.6))
        await person.say(person.dice.choice(("But what does it cost?", "And who are you again?", "I mean it.")))
    person.hang_up()


PERSONAS: Final[Mapping[str, Act]] = {
    "eager": eager,
    "interrupter": interrupter,
    "backchannel": backchannel,
    "hesitant": hesitant,
    "silent": silent,
    "leaver": leaver,
    "voicemail": voicemail,
    "not_interested": not_interested,
    "double_talker": double_talker,
    "adder": adder,
}
MACHINES: Final = frozenset({"voicemail"})


async def _greet(person: Person) -> None:
    """Say hello, as most people do; the others wait for the caller."""
    await person.wait(person.dice.uniform(0.2, 1.4))
    if person.dice.random() < 0.85:
        await person.say(person.dice.choice(_HELLO))


async def _answer(person: Person, lines: tuple[str, ...]) -> None:
    """Wait for the end of the agent's turn and say one of these; who hears nothing for long hangs up."""
    if not await person.turn_over(person.dice.uniform(150, 1_400)):
        person.hang_up()
    await person.say(person.dice.choice(lines), pace=person.dice.uniform(0.7, 1.2))


async def _go_on(person: Person, lines: tuple[str, ...]) -> None:
    for _ in range(_TURNS_MAX):
        await _answer(person, lines)
    person.hang_up()
