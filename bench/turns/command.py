"""`salesos bench turns`. Every part is imported when the command runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.outcome import JsonFile, ReportFile, failing_with, give
from config.logs import configure_logs

if TYPE_CHECKING:
    from bench.turns.stage import Played


def register(app: typer.Typer) -> None:
    app.command()(turns)


def turns(
    recordings: Annotated[
        list[Path] | None, typer.Option(help="A recording of one human turn (WAV, or .raw of 16 kHz), or a folder.")
    ] = None,
    peer: Annotated[bool, typer.Option(help="Let pipecat listen to the same scenes.")] = True,
    peer_python: Annotated[
        Path | None, typer.Option(help="The interpreter of an environment with pipecat; else one is made and kept.")
    ] = None,
    smart_turn_ms: Annotated[float, typer.Option(min=1, max=400, help="What a run of smart-turn takes.")] = 90,
    scenes: Annotated[bool, typer.Option(help="Also tell what became of each scene.")] = False,
    json: JsonFile = None,
    report: ReportFile = None,
) -> None:
    """Measure turn-taking on made dialogues and recordings: cut-offs, delays, interruptions that were none."""
    from bench.peer.environment import PeerMissing, cached_environment, is_complete, make, versions
    from bench.turns import page
    from bench.turns import peer as listener
    from bench.turns.figures import report as reported
    from bench.turns.figures import table
    from bench.turns.run import measure
    from bench.turns.scenes import made, recorded
    from bench.turns.sounds import BadRecording

    with failing_with("turns", BadRecording, PeerMissing, listener.PeerFailed):
        heard = [*made(), *recorded(_files(recordings or []))]
        configure_logs("bench", "error")
        played: dict[str, Sequence[Played | None]] = {**measure(heard, smart_turn_ms)}
        facts = {"smart-turn takes": f"{smart_turn_ms:.0f} ms", "a word is known": "200 ms after its end"}
        if peer:
            if peer_python is None:
                folder = cached_environment()
                if not is_complete(folder):
                    typer.echo(f"making an environment for pipecat in {folder}: some 550 MB, minutes", err=True)
                peer_python = make(folder)
            found = versions(peer_python)
            facts["pipecat ran with"] = ", ".join(f"{name} {version}" for name, version in found.items())
            played["pipecat default"] = listener.listen(peer_python, heard, smart_turn_ms)
    figures = reported(heard, played, facts)
    if scenes:
        for place, scene in enumerate(heard):
            for system, results in played.items():
                if (one := results[place]) is None:
                    continue
                spoke = [at - scene.speech_ms[1] for at in one.spoke_ms]
                typer.echo(f"{scene.name} · {system}: spoke {spoke}, stopped {one.stopped_ms}, yielded {one.yielded}")
    give(table(figures), figures, lambda: page.page(figures), json, report)


def _files(paths: list[Path]) -> list[Path]:
    """Return the recordings that folders hold, and the files named."""
    found: list[Path] = []
    for path in paths:
        found += sorted(one for one in path.iterdir() if one.suffix in (".wav", ".raw")) if path.is_dir() else [path]
    return found
