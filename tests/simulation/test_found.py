"""Calls in which the simulation once found a fault of ours, as they were drawn: every invariant holds in them now."""

from pathlib import Path

import pytest

from bench.sim.run import one, quiet
from bench.sim.scenario import Scenario

FOUND = {
    # The beep came while an answer to the greeting was being made: the model was told the greeting twice.
    "asked twice": Scenario(0, "voicemail", (), 16.8, 0.257, 0.143, 0.242, 0.205, has_judge=True, dice_seed=1106848005),
    # We hung up, the callback was lost, and seconds of silence were billed while the carrier was waited for.
    "billed after the end": Scenario(
        0,
        "leaver",
        ("callbacks_lost", "marks_lost", "voice_refuses"),
        74.3,
        0.121,
        0.1,
        0.237,
        0.187,
        dice_seed=1698729958,
    ),
    # We hung up, and the conversation went on with nobody: what it said counted as heard.
    "spoke on after hanging up": Scenario(
        0,
        "silent",
        ("callbacks_lost", "model_late", "supervisor_hangs_up"),
        85.5,
        0.445,
        0.194,
        0.271,
        0.236,
        dice_seed=1938519472,
    ),
    # They answered in mid-question and hung up: the model was told the answer and not the question.
    "last words without the question": Scenario(
        0,
        "hesitant",
        (),
        31.771146373544195,
        0.3158244978139991,
        0.08467384141206843,
        0.06456702825052832,
        0.22283196626591012,
        speculates=True,
        dice_seed=1528094842,
    ),
    # A microsecond into the eighteenth second, eighteen were billed of a call of seventeen.
    "a microsecond billed": Scenario(
        0,
        "leaver",
        (),
        30.373390275338856,
        0.3004751866662031,
        0.10980927872800063,
        0.2347135077387355,
        0.2898759036442348,
        dice_seed=3903305936,
    ),
    # We hung up in mid-sentence: the words heard until the line was cleared were not remembered.
    "last words of ours": Scenario(
        0,
        "interrupter",
        ("funds_end", "model_slow", "voice_refuses"),
        72.16455321954776,
        0.43814288728503714,
        0.14553811021785298,
        0.20716244498033048,
        0.31491736367602796,
        dice_seed=1928259386,
    ),
    # Time was up as an answer was being made: what took its place began the wait for a sound anew.
    "a goodbye in place of an answer": Scenario(
        0,
        "adder",
        ("funds_end", "marks_lost"),
        21.666092613196177,
        0.4862947435535937,
        0.0925039958561634,
        0.10582546056732382,
        0.14625314890071503,
        has_judge=True,
        dice_seed=2842630792,
        speculates=False,
    ),
    # Told to say goodbye while the prospect spoke, it talked over them.
    "goodbye over the prospect": Scenario(
        0,
        "double_talker",
        ("model_slow", "node_stops"),
        74.75727209825172,
        0.24567175562713103,
        0.18969708977753175,
        0.26027850510109996,
        0.19654750492368456,
        dice_seed=2118791701,
    ),
    # A model stalled in its first sentence: nothing was heard until another had begun anew.
    "a stall before the first sound": Scenario(
        0,
        "interrupter",
        ("model_stalls",),
        61.94665505633219,
        0.43405495586403264,
        0.06336575106118504,
        0.15385565241374316,
        0.08710036288259458,
        speculates=True,
        dice_seed=2514537608,
    ),
    # The carrier's API was away when we hung up: the line stayed open and silent, and was paid for.
    "a line nobody closed": Scenario(
        0,
        "silent",
        ("callbacks_lost", "carrier_away", "marks_lost"),
        46.98061480186481,
        0.3182343417834124,
        0.10970883626150403,
        0.2215770868374809,
        0.13118653973754663,
        dice_seed=2829131614,
    ),
    # Still speaking four seconds into their goodbye, they were hung up on, and what they said was lost.
    "last words cut off": Scenario(
        0,
        "hesitant",
        ("node_stops",),
        69.91137010878236,
        0.2719240913872215,
        0.057165130807259386,
        0.10346299113611163,
        0.26414849461391454,
        speculates=True,
        dice_seed=2298921872,
    ),
    # A voice that stayed mute was waited for so long that the second one came too late.
    "a mute voice": Scenario(
        0,
        "adder",
        ("voice_stalls",),
        18.23375826435415,
        0.4324984245887856,
        0.17314883613355486,
        0.11959459767017279,
        0.34949271311414776,
        speculates=True,
        dice_seed=2714456469,
    ),
    # One recogniser failed, and only then the next was connected: 2.2 s of silence.
    "a recogniser that fails late": Scenario(
        0,
        "adder",
        ("stt_fails",),
        63.66513529469842,
        0.44622104940054375,
        0.19683876510754422,
        0.14019855244915597,
        0.15989408176648168,
        dice_seed=3368550946,
    ),
    "another recogniser that fails late": Scenario(
        0,
        "double_talker",
        ("stt_fails",),
        60.672155147665734,
        0.21489900712637475,
        0.19614332458303602,
        0.2318451112677074,
        0.25516219901789927,
        dice_seed=358965747,
    ),
    # Both recognisers failed, and then all models: 3.4 s of silence, for each layer was patient anew.
    "patience upon patience": Scenario(
        0,
        "interrupter",
        ("models_down", "node_stops", "stt_down"),
        83.89595226480192,
        0.4596648865037064,
        0.099347174372625,
        0.13837388399026646,
        0.3177793381795352,
        dice_seed=3552661897,
    ),
    # What was said when our end had been decided, and could not be told to the carrier.
    "said behind our end": Scenario(
        0,
        "hesitant",
        ("carrier_away",),
        30.12733758840585,
        0.4806461055069121,
        0.1111362930368931,
        0.2856351735865944,
        0.21865961417540591,
        dice_seed=1112787209,
    ),
    # The beep was told of before the greeting's last words were known: they hushed the message, and the call died.
    "a beep before the words": Scenario(
        0,
        "voicemail",
        (),
        71.93715688259172,
        0.4132773746981292,
        0.11533491242865974,
        0.2617576012129744,
        0.23550183246076367,
        has_judge=True,
        speculates=False,
        dice_seed=3302378083,
    ),
    # Back amid the word of patience: the rest of it was heard after the hand-back, and its end killed the call.
    "back amid the word of patience": Scenario(
        0,
        "interrupter",
        ("person_lost",),
        81.66149198928196,
        0.4416648885753838,
        0.09897492321957324,
        0.27216076074691087,
        0.3001253557841064,
        has_judge=True,
        speculates=True,
        dice_seed=2301100734,
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_it_holds_now(name: str, tmp_path: Path) -> None:
    quiet()
    _, broken = one(FOUND[name], tmp_path)
    assert broken == []
