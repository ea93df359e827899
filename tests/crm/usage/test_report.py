"""Reports in files, and when two counts are apart."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.usage.report import FILE_BYTES_MAX, BadReport, Report, is_apart, read_report, share_apart

HEAD = "model,requests,prompt_tokens,completion_tokens\n"
LINE = {"model": "m", "requests": 2, "prompt_tokens": 30, "completion_tokens": 4}


def test_both_forms_of_a_file_say_the_same() -> None:
    rows = f"{HEAD}gpt-a,2,30,4\ngpt-b,1,5,6\n".encode()
    objects = [LINE, LINE | {"model": "b", "requests": 1, "prompt_tokens": 5, "completion_tokens": 6}]
    assert read_report(rows, ".csv") == Report(3, 45)
    assert read_report(b"\xef\xbb\xbf" + rows, ".csv") == Report(3, 45), "as spreadsheets write it"
    assert read_report(json.dumps(objects).encode(), ".json") == Report(3, 45)
    assert read_report(HEAD.encode(), ".csv") == read_report(b"[]", ".json") == Report(0, 0)


@pytest.mark.parametrize(
    ("raw", "suffix", "told"),
    [
        (b"", ".csv", "first line must be"),
        (b"model,requests\n", ".csv", "lacks prompt_tokens, completion_tokens"),
        (f"{HEAD}m,2,many,4\n".encode(), ".csv", "line 2: .*prompt_tokens"),
        (f"{HEAD}m,2,-1,4\n".encode(), ".csv", "line 2: .*prompt_tokens"),
        (f"{HEAD}m,2,3\n".encode(), ".csv", "line 2"),
        (f"{HEAD}m,2,3,4,5\n".encode(), ".csv", "line 2"),
        (b"\xff\xfe", ".csv", "not UTF-8"),
        (b"{}", ".json", "array"),
        (b'[{"model": "m"}]', ".json", "requests"),
        (b"[" * 10_000, ".json", "."),
        (b"x" * (FILE_BYTES_MAX + 1), ".json", "more than"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_place(raw: bytes, suffix: str, told: str) -> None:
    with pytest.raises(BadReport, match=told):
        read_report(raw, suffix)


@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda text: (HEAD + text).encode()))
def test_any_file_is_a_report_or_refused(raw: bytes) -> None:
    for suffix in (".csv", ".json"):
        with contextlib.suppress(BadReport):
            report = read_report(raw, suffix)
            assert min(report.requests, report.tokens) >= 0


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_apart_is_symmetric_and_bounded(ours: int, theirs: int) -> None:
    assert -1.0 <= share_apart(ours, theirs) <= 1.0
    assert is_apart(ours, theirs, 0.05) == is_apart(theirs, ours, 0.05)
    assert not is_apart(ours, ours, 0.05)


@pytest.mark.parametrize(
    ("ours", "theirs", "apart"),
    [(0, 900, False), (0, 1_001, True), (100_000, 104_000, False), (100_000, 110_000, True), (100_000, 0, True)],
)
def test_small_sums_and_small_shares_say_nothing(ours: int, theirs: int, apart: bool) -> None:
    assert is_apart(ours, theirs, 0.05) is apart
