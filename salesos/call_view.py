"""A call on the screen: the conversation as it happens, then the summary."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from statistics import median
from typing import Any, Final

from salesos import summary as summary_module
from salesos.screen import Screen

MS_PER_S: Final = 1000
MILLICREDITS: Final = 1000


class CallView:
    """Prints the events of one call, each once, in the order they are given."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def show(self, kind: str, body: Mapping[str, Any]) -> None:
        """Print one event, if it is one that a listener wants to see."""
        match kind:
            case "call.state_changed" if body["state"] in ("dialing", "ringing", "failed", "ended"):
                reason = f": {body['reason']}" if body.get("reason") else ""
                self._screen.note(f"{'':>8}  {body['state']}{reason}")
            case "call.answered":
                self._screen.note(f"{'':>8}  answered")
            case "call.answerer_known":
                self._screen.note(f"{'':>8}  answered by: {body['answered_by']} ({body['source']})")
            case "turn.finished":
                self._turn(body)
            case "turn.barged_in":
                self._screen.note(
                    f"{clock(body['at_ms']):>8}  barge-in: the agent stopped after {body['stopped_after_ms']} ms"
                )
            case "fact.noted":
                words = " ".join(filter(None, (body.get("text", ""), body.get("when", ""))))
                self._screen.note(f"{'':>8}  noted: {body['kind']}" + (f" ({words})" if words else ""))
            case "caller.understood":
                self._understood(body)
            case "caller.angry":
                self._screen.warn(f"{'':>8}  the caller is angry")
            case "recording.failed":
                self._screen.warn(f"{'':>8}  no recording: {body['reason']}")

    def _turn(self, body: Mapping[str, Any]) -> None:
        speaker = str(body["speaker"])
        details = []
        if body.get("response_ms") is not None:
            details.append(f"after {body['response_ms']} ms")
        unheard = not_heard(str(body["text"]), str(body["heard_text"]))
        if speaker == "agent" and unheard:
            details.append(f"not heard: “{unheard}”")
        said = str(body["heard_text"] or body["text"])
        style = "cyan" if speaker == "agent" else ""
        self._screen.row(
            clock(body["started_ms"]), speaker, said or "(not understood)", ", ".join(details), style=style
        )

    def _understood(self, body: Mapping[str, Any]) -> None:
        told = []
        if body["mood"] != "neutral":
            told.append(f"sounds {body['mood']} ({body['sentiment']:+.2f}, sure to {body['confidence']:.0%})")
        told += [f"objection: {named}" for named in objections_of(body["objections"], body["quotes"])]
        if told:
            self._screen.note(f"{'':>8}  {', '.join(told)}")


def show_summary(screen: Screen, summary: Mapping[str, Any], page: str) -> None:
    """Print what came of a call, and where to look and listen."""
    rows = [("outcome", f"{summary['state']} · {summary['outcome']}")]
    if summary["answered_by"]:
        rows.append(("answered by", str(summary["answered_by"])))
    rows.append(("duration", f"{summary['duration_s'] or 0:.1f} s"))
    times = summary_module.response_times(summary)
    if times:
        rows.append(("response", f"median {round(median(times))} ms, slowest {max(times)} ms"))
    stages = summary_module.stage_medians(summary["waterfall"] or ())
    if stages:
        rows.append(
            ("waterfall", "  ".join(f"{name.removesuffix('_ms')} {value}" for name, value in stages) + "  (ms)")
        )
    if summary["barge_ins"]:
        stops = ", ".join(f"{barge_in['stopped_after_ms']} ms" for barge_in in summary["barge_ins"])
        rows.append(("barge-ins", f"{len(summary['barge_ins'])}, stopped after {stops}"))
    if summary.get("objections"):
        names = dict.fromkeys(str(objection["kind"]).replace("_", " ") for objection in summary["objections"])
        rows.append(("objections", ", ".join(names)))
    if notes := summary.get("notes"):
        rows.append(("notes", str(notes["summary"] or notes["status"])))
        rows += [(f"  {name.replace('_', ' ')}", _shown(value)) for name, value in notes["fields"].items()]
    lead, ledger = summary["lead"], summary["ledger"]
    if lead:
        rows.append(
            ("lead", f"{lead['status']}, score {lead['score']}" + (", do not call" if lead["do_not_call"] else ""))
        )
    if ledger:
        rows.append(("credits", f"{credits_of(ledger['settled'])} spent, {credits_of(ledger['balance_after'])} left"))
    if summary["recording"]:
        rows.append(("recording", str(summary["recording"]["path"] or summary["recording"]["uri"])))
    rows.append(("page", page))
    screen.table("Summary", ("", ""), rows)


def objections_of(kinds: Sequence[str], quotes: Sequence[str]) -> list[str]:
    """Return objections with their words, where those are not erased."""
    return [
        kind.replace("_", " ") + (f" (“{quote}”)" if quote else "")
        for kind, quote in zip_longest(kinds, quotes[: len(kinds)], fillvalue="")
    ]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def clock(at_ms: int) -> str:
    """Return a place on the call's timeline as minutes, seconds and tenths."""
    tenths = at_ms * 10 // MS_PER_S
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def credits_of(millicredits: int | None) -> str:
    return "?" if millicredits is None else f"{millicredits / MILLICREDITS:,.3f}".rstrip("0").rstrip(".")


def not_heard(text: str, heard: str) -> str:
    """Return the words at the end of `text` that are not in `heard`, which is its beginning."""
    meant, played = text.split(), heard.split()
    if meant[: len(played)] != played:
        return ""
    return " ".join(meant[len(played) :])


def page_of(crm_url: str, call_id: str) -> str:
    return f"{crm_url}/calls/{call_id}"
