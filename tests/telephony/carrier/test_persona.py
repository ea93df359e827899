"""The persona's schema: what is taken, and how errors say where and what to do."""

from pathlib import Path

import pytest

from telephony.carrier.app import PERSONAS_DIR
from telephony.carrier.persona import BadPersona, When, load_folder, parse


def test_all_personas_of_the_product_load() -> None:
    personas = load_folder(PERSONAS_DIR)
    assert {
        "eager", "busy", "in_a_hurry", "objector", "interrupter", "backchannel",
        "opt_out", "silent", "voicemail", "no_answer", "caller_wav",
        "screening", "voicemail_pickup", "voicemail_unseen", "menu",
    } <= set(personas)  # fmt: skip
    assert personas["caller_wav"].needs_file
    assert [aside.cough_ms for aside in personas["backchannel"].asides if aside.cough_ms]
    assert sum(line.when is When.SPEAKING for line in personas["interrupter"].lines) == 2
    assert all(line.when is not When.SPEAKING for line in personas["backchannel"].lines)


def test_defaults_depend_on_what_a_line_waits_for() -> None:
    persona = parse(
        "lines: [{say: a, when: answered}, {say: b}, {say: c, when: speaking, after_ms: 0},"
        "{say: d, when: pressed, keys: '2'}]",
        "p.yaml",
    )
    assert [line.delay_ms for line in persona.lines] == [600, 800, 0, 700]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lines: [", "p.yaml: not YAML at line 1"),
        ("- a", "p.yaml: has to be a mapping"),
        ("", "p.yaml: has to be a mapping"),
        ("lines: [{say: a, press: '1'}]", "p.yaml: lines.0: has to do exactly one of"),
        ("lines: [{when: answered}]", "p.yaml: lines.0: has to do exactly one of"),
        ("lines: [{say: a, wen: answered}]", "p.yaml: lines.0.wen: Extra inputs are not permitted; remove it"),
        ("lines: [{press: x}]", "p.yaml: lines.0.press"),
        ("lines: [{say: a, when: pressed}]", "p.yaml: lines.0: has `keys` exactly when it waits for them"),
        ("lines: [{say: a, keys: '1'}]", "p.yaml: lines.0: has `keys` exactly when it waits for them"),
        ("lines: [{say: a, when: pressed, keys: x}]", "p.yaml: lines.0.keys"),
        ("answer: {detected: ghost}", "p.yaml: answer.detected"),
        ("answer: {how: sleeps}", "p.yaml: answer.how"),
        ("asides: [{turn: 1, say: a}]", "p.yaml: asides.0.after_ms: Field required"),
        ("asides: [{turn: 1, after_ms: 1, say: a, cough_ms: 200}]", "p.yaml: asides.0: has to be exactly one"),
        ("numbers: [12]", "p.yaml: numbers.0"),
        ("patience_s: 0", "p.yaml: patience_s"),
        ("lines: [{say: 'a |700 b'}]", "p.yaml: lines.0.say: a pause is written |700|"),
        ("lines: [{say: 'a |soon| b'}]", "p.yaml: lines.0.say: |soon| is no pause: write whole milliseconds"),
        ("goodbye: '|700| bye'", "p.yaml: goodbye: a pause |700| stands between words"),
        ("echo: {delay_ms: 5}", "p.yaml: echo.delay_ms"),
        ("echo: {loss_db: 0}", "p.yaml: echo.loss_db"),
        ("echo: {gain: 3}", "p.yaml: echo.gain: Extra inputs are not permitted; remove it"),
        ("street: {snr_db: -3}", "p.yaml: street.snr_db"),
        ("street: {cars: 100}", "p.yaml: street.cars"),
        ("{street: {}, noise_dbfs: -60}", "p.yaml: persona: is in a room (noise_dbfs) or on a street"),
    ],
)
def test_an_error_names_file_field_and_remedy(text: str, wanted: str) -> None:
    with pytest.raises(BadPersona) as caught:
        parse(text, "p.yaml")
    assert any(fault.startswith(wanted) for fault in caught.value.faults), caught.value.faults


def test_a_folder_tells_all_its_faults_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("numbers: ['+12025550101']")
    (tmp_path / "b.yaml").write_text("numbers: ['+12025550101']")
    (tmp_path / "c.yaml").write_text("x: 1")
    (tmp_path / "d.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(BadPersona) as caught:
        load_folder(tmp_path)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["b.yaml", "c.yaml", "d.yaml"]


def test_personas_in_folders_within_are_found_and_names_are_theirs_alone(tmp_path: Path) -> None:
    (tmp_path / "unseen").mkdir()
    (tmp_path / "a.yaml").write_text("lines: []")
    (tmp_path / "unseen" / "b.yaml").write_text("lines: []")
    assert set(load_folder(tmp_path)) == {"a", "b"}
    (tmp_path / "unseen" / "a.yaml").write_text("lines: []")
    with pytest.raises(BadPersona, match=r"unseen/a\.yaml: another file has this name"):
        load_folder(tmp_path)


def test_an_empty_folder_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(BadPersona, match="holds no persona"):
        load_folder(tmp_path)
