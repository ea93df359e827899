"""The scripted model's answers follow from the conversation alone."""

from agent.llm.port import EventName, Message, Request, Role, Text, ToolCall
from agent.llm.scripted import ScriptedModel
from tests.agent.llm.playbooks import energy_meeting

PLAYBOOK = energy_meeting()
VARIABLES = {"agent_name": "Alex", "org_name": "Northwind Energy"}
OPENING = (
    "Hello, this is Alex, the automated assistant of Northwind Energy. This call is recorded. Do you have a minute?"
)


def user(text: str) -> Message:
    return Message(Role.USER, text)


def event(name: EventName) -> Message:
    return Message(Role.EVENT, name)


def agent(text: str, *, cut_short: bool = False) -> Message:
    return Message(Role.ASSISTANT, text, cut_short=cut_short)


async def ask(*messages: Message) -> tuple[str, list[ToolCall]]:
    model = ScriptedModel(PLAYBOOK)
    text = ""
    calls = []
    async for delta in model.reply(Request(messages, variables=VARIABLES)):
        match delta:
            case Text():
                assert delta.text.endswith(" ")
                text += delta.text
            case ToolCall():
                calls.append(delta)
    return text.strip(), calls


async def talk(
    *said: str | EventName, start: EventName | None = EventName.ANSWERED
) -> tuple[list[str], list[ToolCall]]:
    """Hold a whole conversation in which everything is heard."""
    messages = [event(start)] if start else []
    replies = []
    calls = []
    for line in (None, *said) if start else said:
        if line is not None:
            messages.append(event(line) if isinstance(line, EventName) else user(line))
        text, made = await ask(*messages)
        messages.append(agent(text))
        replies.append(text)
        calls += made
    return replies, calls


async def test_the_story_of_a_booked_meeting() -> None:
    replies, calls = await talk("Yes, sure.", "Yes, I do.", "Yes, that sounds good.", "Tomorrow at ten.")

    assert replies[0] == OPENING
    assert replies[-1] == "Perfect, your meeting is tomorrow at ten. Thank you for your time, and goodbye."
    assert [(call.name, dict(call.arguments)) for call in calls] == [
        ("note_fact", {"kind": "note", "text": "looks after the electricity bills", "when": ""}),
        ("note_fact", {"kind": "meeting_booked", "text": "", "when": "tomorrow at ten"}),
        ("end_call", {"outcome": "goal_reached"}),
    ]
    assert len({call.id for call in calls}) == 3


async def test_the_greeting_answers_a_hello_as_well_as_the_pick_up() -> None:
    assert (await ask(user("Hello?")))[0] == OPENING
    assert (await ask(event(EventName.ANSWERED), user("Hello?")))[0] == OPENING


async def test_the_same_conversation_gets_the_same_answer() -> None:
    messages = (event(EventName.ANSWERED), agent(OPENING), user("how much is it"))
    assert await ask(*messages) == await ask(*messages)


async def test_a_call_back_with_its_time() -> None:
    _, calls = await talk("I'm busy right now, call me back tomorrow at three.")
    assert [dict(call.arguments) for call in calls] == [
        {"kind": "callback_requested", "text": "", "when": "tomorrow at three"},
        {"outcome": "callback_requested"},
    ]


async def test_silence_ends_without_response() -> None:
    replies, calls = await talk(*[EventName.SILENCE] * 3)
    assert replies[1:3] == list(PLAYBOOK.silence.prompts)
    assert [dict(call.arguments) for call in calls] == [{"outcome": "no_response"}]


async def test_a_question_cut_short_is_asked_again() -> None:
    start = (event(EventName.ANSWERED), agent(OPENING), user("yes sure"))
    cut, _ = await ask(*start, agent("Thank you. Do you", cut_short=True), user("yes"))
    heard, _ = await ask(*start, agent("Thank you. Do you look after the electricity", cut_short=True), user("yes"))

    assert cut == PLAYBOOK.steps[1].ask_again
    assert heard.startswith("Great.")


async def test_an_opening_cut_short_discloses_again() -> None:
    text, _ = await ask(
        event(EventName.ANSWERED), agent("Hello, this is Alex, the", cut_short=True), user("Sorry, wait, who is this?")
    )
    assert "automated assistant" in text
    assert "This call is recorded." in text
    assert text.endswith("Do you have a minute to talk?")


async def test_an_answer_that_nobody_heard_was_not_given() -> None:
    start = (event(EventName.ANSWERED), agent(OPENING))
    joined, _ = await ask(*start, user("call me back"), user("tomorrow at three"))
    assert joined.startswith("All right, we will call you back tomorrow at three.")
    silence, _ = await ask(*start, event(EventName.SILENCE), user("yes"))
    assert silence.startswith("Thank you. Do you look after")
    empty, _ = await ask(*start, user("yes"), agent("", cut_short=True), event(EventName.SILENCE))
    assert empty == PLAYBOOK.silence.prompts[0]


async def test_an_answer_that_noise_drowned_is_given_once_more() -> None:
    """ "Tomorrow at ten": the agent begins, a cough, and it must not say goodbye as if all had been said."""
    replies, _ = await talk("Yes, sure.", "Yes, I do.", "Yes, that sounds good.")
    told = [event(EventName.ANSWERED), agent(replies[0])]
    for said, reply in zip(("Yes, sure.", "Yes, I do.", "Yes, that sounds good."), replies[1:], strict=True):
        told += [user(said), agent(reply)]
    drowned = (user("tomorrow at ten"), agent("", cut_short=True), event(EventName.NOT_UNDERSTOOD))
    text, calls = await ask(*told, *drowned)
    assert text.startswith("Perfect, your meeting is tomorrow at ten.")
    assert [call.name for call in calls] == ["note_fact", "end_call"]
    again, _ = await ask(*told, *drowned, agent("", cut_short=True), event(EventName.NOT_UNDERSTOOD))
    assert again.startswith("Perfect, your meeting is tomorrow at ten."), "booked, and they do not know when"


async def test_noise_that_never_ends_does_not_keep_a_call_going() -> None:
    """An answer is begun again once; after that what cannot be understood counts as such, and the call ends."""
    messages = [event(EventName.ANSWERED), agent(OPENING), user("yes sure")]
    said = []
    for _ in range(12):
        text, calls = await ask(*messages)
        said.append(text)
        if any(call.name == "end_call" for call in calls):
            break
        messages += [agent("", cut_short=True), event(EventName.NOT_UNDERSTOOD)]
    assert said[0] == said[1]
    assert len(said) < 12


async def test_a_message_is_not_left_twice() -> None:
    text, calls = await ask(event(EventName.ANSWERED), agent(OPENING), event(EventName.MESSAGE_BEEP), user("bye"))
    assert text == PLAYBOOK.goodbye.last_word
    assert [dict(call.arguments) for call in calls] == [{"outcome": "message_left"}]


async def test_a_machine_greeting_gets_no_word() -> None:
    assert await ask(event(EventName.ANSWERED), agent(OPENING), user("please leave a message after the tone")) == (
        "",
        [],
    )


async def test_not_understood_and_time_up() -> None:
    replies, calls = await talk(EventName.NOT_UNDERSTOOD, EventName.TIME_UP)
    assert replies[1].startswith(PLAYBOOK.not_understood.prompts[0])
    assert dict(calls[-1].arguments) == {"outcome": "time_limit"}


async def test_nothing_to_answer_says_nothing() -> None:
    assert await ask() == ("", [])
    assert await ask(agent("Hello.")) == ("", [])
    assert await ask(Message(Role.EVENT, "of a later release")) == ("", [])
    assert await ask(event(EventName.ANSWERED), agent(OPENING)) == ("", [])
    assert (await ask(Message(Role.SYSTEM, "be kind"), user("hello")))[0] == OPENING


async def test_tools_that_another_model_used_are_no_words_of_the_conversation() -> None:
    look_up = ToolCall("1", "look_up_lead", {})
    used = (Message(Role.ASSISTANT, "", calls=(look_up,)), Message(Role.TOOL, "Sam", call_id="1"))
    opened = event(EventName.ANSWERED), agent(OPENING)
    assert await ask(*opened, *used, user("Yes, sure.")) == await ask(*opened, user("Yes, sure."))
    assert await ask(*opened, user("Yes, sure."), *used) == ("", []), "it cannot tell what came of them"


MENU_TEXT = "for our opening hours press one to speak to someone press two"


async def keys_for(text: str) -> list[ToolCall]:
    model = ScriptedModel(PLAYBOOK, lambda said: "2" if said == MENU_TEXT else "")
    request = Request((user(text), event(EventName.MENU)), variables=VARIABLES)
    deltas = [delta async for delta in model.reply(request)]
    assert not any(isinstance(delta, Text) for delta in deltas)
    return [delta for delta in deltas if isinstance(delta, ToolCall)]


async def test_a_menu_gets_the_key_for_a_person_and_not_a_word() -> None:
    [call] = await keys_for(MENU_TEXT)
    assert (call.name, call.arguments) == ("press_keys", {"keys": "2"})


async def test_a_menu_that_was_not_made_out_gets_the_operators_key() -> None:
    [call] = await keys_for("for our mumble press mumble")
    assert call.arguments == {"keys": "0"}


async def test_a_person_behind_a_screener_or_a_menu_hears_it_all_from_the_beginning() -> None:
    screened = (user("state your name please"), event(EventName.SCREENING), agent(PLAYBOOK.opening.who))
    pressed = (user(MENU_TEXT), event(EventName.MENU), agent(""))
    for before in (screened, pressed, screened + pressed):
        text, calls = await ask(*before, user("mumble mumble"), event(EventName.ANSWERED))
        assert (text, calls) == (OPENING, [])
        text, _ = await ask(*before, user("hello"), event(EventName.ANSWERED), agent(OPENING), user("yes sure"))
        assert PLAYBOOK.steps[1].ask in text


async def test_who_picks_up_into_the_message_hears_it_all_from_the_beginning() -> None:
    message = (event(EventName.MESSAGE_BEEP), agent("Hello, this is Alex, the", cut_short=True))
    picked_up = (*message, user("hello i'm here"), event(EventName.ANSWERED))
    assert await ask(*picked_up) == (OPENING, [])
    text, calls = await ask(*picked_up, agent(OPENING), event(EventName.TIME_UP))
    assert [call.arguments for call in calls] == [{"outcome": "time_limit"}], "no message was left"
    assert text == PLAYBOOK.goodbye.time_up


async def test_who_opts_out_instead_of_saying_hello_is_not_greeted() -> None:
    text, calls = await ask(user("stop calling me"), event(EventName.ANSWERED))
    assert text == PLAYBOOK.opt_out.confirm
    assert [call.arguments.get("kind", call.arguments.get("outcome")) for call in calls] == ["opted_out", "opted_out"]


async def test_a_machine_that_was_misheard_has_not_opted_out() -> None:
    text, calls = await ask(
        user("thank you for calling back our stop for our opening hours"), event(EventName.ANSWERED)
    )
    assert (text, calls) == (OPENING, [])


async def test_after_a_person_had_the_word_the_open_question_is_asked_again() -> None:
    first, _ = await ask(event(EventName.ANSWERED))
    note = Message(Role.NOTE, "Your colleague Maria took the call over from you.")
    text, calls = await ask(event(EventName.ANSWERED), agent(first), note, event(EventName.HANDED_BACK))
    playbook = energy_meeting()
    assert text == f"{playbook.wait.back} {playbook.steps[0].ask_again}"
    assert calls == []


async def test_a_call_handed_back_before_anybody_greeted_begins_with_the_greeting() -> None:
    greeting, _ = await ask(event(EventName.ANSWERED))
    assert (await ask(event(EventName.HANDED_BACK)))[0] == greeting


async def test_a_question_that_it_has_no_words_for_gets_none() -> None:
    model = ScriptedModel(energy_meeting())
    request = Request((user("sum that up"),), must_call="write_summary")
    assert [delta async for delta in model.reply(request)] == []
