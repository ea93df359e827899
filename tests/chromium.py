"""Headless Chromium for tests; its microphone can be a WAV file, for those whom it is permitted to use one."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserType, Page, sync_playwright


@contextlib.contextmanager
def open_chromium(path: str, microphone: Path | None = None) -> Iterator[Browser]:
    """Start it. Close it before an asynchronous test runs in the same process: playwright's own loop stands in its way.

    `path`: the program's. `microphone`: said over and over, from when a page asks for a microphone.
    """
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium, path, microphone)
        yield browser
        browser.close()


def launch(kind: BrowserType, path: str, microphone: Path | None = None) -> Browser:
    """Start one more, as `open_chromium` does. Close it."""
    # Chromium refuses its sandbox to root, and container machines often have nothing but root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    arguments += ["--autoplay-policy=user-gesture-required"]
    if microphone is not None:
        arguments += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-audio-capture={microphone}"]
    return kind.launch(executable_path=path, args=arguments)


def watch_faults(page: Page) -> list[str]:
    """Return what the page's own scripts do wrong, as it comes; a refused request is no fault of theirs."""
    faults: list[str] = []

    def said(kind: str, text: str) -> None:
        if kind == "error" and "Failed to load resource" not in text:
            faults.append(text)

    page.on("console", lambda message: said(message.type, message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    return faults
