"""A report is one page that needs nothing else."""

import re
from pathlib import Path

from bench.plots import Bar, BarPlot
from bench.report_page import Page, Table, machine_facts, render, write

PAGE = Page(
    title="A <title>",
    summary="What & why",
    results={"calls": "120"},
    tables=[Table("Runs", ["calls", "ms"], [["1", "300"], ["<8>", "301"]], note="of one run")],
    plots=[BarPlot("Stages", "ms", [Bar("first <token>", 3.0)], note="a plot")],
    meanings={"calls": "at once"},
    facts={"measured for": "60 s"},
)


def test_a_page_says_all_that_it_was_given_as_text() -> None:
    html = render(PAGE, {"processor": "a <fast> one"})
    for text in ("A &lt;title&gt;", "What &amp; why", "&lt;8&gt;", "first &lt;token&gt;", "a &lt;fast&gt; one"):
        assert text in html
    for text in ("120", "of one run", "a plot", "at once", "60 s"):
        assert text in html
    assert html.count("<svg") == 1


def test_a_page_needs_nothing_from_elsewhere() -> None:
    html = render(PAGE, {})
    assert re.findall(r"(?:src|href)=|url\(|@import|https?://", html) == []
    assert "prefers-color-scheme: dark" in html


def test_the_machine_is_named() -> None:
    facts = machine_facts()
    assert {"processor", "cores", "kernel", "python", "commit", "written"} <= set(facts)
    assert all(facts.values())


def test_a_page_is_written_as_a_file(tmp_path: Path) -> None:
    write(PAGE, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
