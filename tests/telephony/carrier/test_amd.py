"""Machine detection by what the callee's side sounds like."""

from telephony.carrier.amd import AmdRules, Detector, Verdict


def judge(rules: AmdRules, pattern: list[tuple[int, str]], errs: Verdict | None = None) -> tuple[Verdict | None, int]:
    """Feed stretches of (ms, voice | beep | silence); return the verdict and when it came."""
    detector, now_ms = Detector(rules, errs), 0
    for length_ms, kind in pattern:
        for _ in range(length_ms // 20):
            verdict = detector.hear(now_ms, voiced=kind != "silence", beep=kind == "beep")
            if verdict is not None:
                return verdict, now_ms
            now_ms += 20
    return None, now_ms


def test_short_greeting_is_a_person_after_the_end_threshold() -> None:
    assert judge(AmdRules(), [(600, "silence"), (500, "voice"), (5000, "silence")]) == (Verdict.HUMAN, 2280)


def test_long_greeting_is_a_machine_at_once() -> None:
    verdict, at_ms = judge(AmdRules(), [(400, "silence"), (7000, "voice")])
    assert verdict is Verdict.MACHINE_START
    assert at_ms == 2800


def test_message_end_is_told_right_after_the_beep() -> None:
    rules = AmdRules(wait_for_message_end=True)
    pattern = [(400, "silence"), (6000, "voice"), (400, "silence"), (500, "beep"), (3000, "silence")]
    assert judge(rules, pattern) == (Verdict.MACHINE_END_BEEP, 7300)


def test_message_end_without_a_beep_is_told_by_silence() -> None:
    rules = AmdRules(wait_for_message_end=True)
    assert judge(rules, [(6000, "voice"), (5000, "silence")])[0] is Verdict.MACHINE_END_SILENCE


def test_silent_callee_is_unknown_when_the_timer_ends() -> None:
    assert judge(AmdRules(), [(9000, "silence")]) == (Verdict.UNKNOWN, 5000)


def test_everything_ends_with_the_timeout() -> None:
    assert judge(AmdRules(timeout_ms=3_000, silence_timeout_ms=9_000), [(9000, "silence")]) == (Verdict.UNKNOWN, 3000)
    endless = AmdRules(wait_for_message_end=True, timeout_ms=5_000)
    assert judge(endless, [(9000, "voice")]) == (Verdict.MACHINE_END_SILENCE, 5000)


def test_one_that_errs_says_so_when_it_would_have_said_the_truth() -> None:
    assert judge(AmdRules(), [(400, "silence"), (7000, "voice")], Verdict.HUMAN) == (Verdict.HUMAN, 2800)
