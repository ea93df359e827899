"""What twice the load does to the calls in progress: the figures, the rule, and how people read them. Sans-I/O."""

from typing import Final

import msgspec

from bench.load_report import OTHERS_SHARE_TOLD, Spread, ms
from bench.report_page import Page, Table

DRIFT_MS_MAX: Final = 100.0  # of the p95 of calls in progress
SENTENCES_MIN: Final = 5  # answers on either side: of fewer a p95 is an accident
UNSAID: Final = "no_reason"


class Side(msgspec.Struct, frozen=True):
    """What calls noticed in a stretch of time."""

    response_ms: Spread
    underruns: int
    unanswered: int
    seconds: float


class Overload(msgspec.Struct, frozen=True, kw_only=True):
    sustainable: int  # calls: given, or found by the ramp
    offered: int  # those, and as many more
    admitted: int
    refused: dict[str, int]  # by reason
    before: Side  # the calls in progress, alone
    during: Side  # the same calls, while the others came and after
    newcomers: Side  # those of the others that were let in
    drift_p95_ms: float | None  # of the calls in progress; None when there were too few answers
    lost: int  # calls that the server took and closed in the middle
    others_share: float  # of the server's core, used by neither the server nor the client
    faults: tuple[str, ...]  # what is not as it should be
    void: tuple[str, ...]  # why the figures say nothing; empty for a good run
    ok: bool


def drift_of(before: Side, during: Side) -> float | None:
    """Return by how much the p95 of the response grew; None when either side has too few answers."""
    if min(before.response_ms.count, during.response_ms.count) < SENTENCES_MIN:
        return None
    assert before.response_ms.p95 is not None
    assert during.response_ms.p95 is not None
    return round(during.response_ms.p95 - before.response_ms.p95, 1)


def faults_of(drift_ms: float | None, refused: dict[str, int], lost: int, offered: int, admitted: int) -> list[str]:
    """Return what breaks the rule: calls in progress keep their pace, and the rest are refused with a reason."""
    found = []
    if drift_ms is None:
        found.append("too few answers to compare: measure for longer")
    elif drift_ms > DRIFT_MS_MAX:
        found.append(f"the p95 of calls in progress grew by {drift_ms:.0f} ms, more than {DRIFT_MS_MAX:.0f}")
    if lost:
        found.append(f"{lost} calls that had been taken were closed")
    nameless = sum(count for reason, count in refused.items() if reason in (UNSAID, "not_connected"))
    if nameless:
        found.append(f"{nameless} calls were refused without a reason")
    if admitted + sum(refused.values()) != offered:
        found.append(f"of {offered} calls {admitted} were admitted and {sum(refused.values())} refused")
    return found


def table(report: Overload) -> str:
    """Return the figures as lines for people."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(report.refused.items())) or "none"
    lines = [
        f"sustainable {report.sustainable} calls, offered {report.offered}: "
        f"{report.admitted} admitted, refused: {reasons}",
        f"{'':<22}{'answers':>9}{'response p50':>14}{'p95':>7}{'p99':>7}{'underruns':>11}{'unanswered':>12}",
        *(_line(name, side) for name, side in _sides(report)),
    ]
    if report.drift_p95_ms is not None:
        lines.append(f"p95 of the calls in progress: {report.drift_p95_ms:+.0f} ms (at most {DRIFT_MS_MAX:.0f})")
    if report.others_share > OTHERS_SHARE_TOLD:
        lines.append(f"others used {report.others_share:.0%} of the server's core: no quiet machine")
    lines += [f"VOID: {reason}" for reason in report.void] + [f"not ok: {fault}" for fault in report.faults]
    if not report.refused:
        lines.append("nothing was refused: the server sustains more than that")
    lines.append("ok" if report.ok else "not ok")
    return "\n".join(lines)


def page(report: Overload) -> Page:
    """Return the report page."""
    refused = sum(report.refused.values())
    return Page(
        title="Twice the load",
        summary=(
            f"{report.offered} calls were offered to one core, twice what it sustains: {report.admitted} were admitted "
            f"and {refused} refused with a reason. "
            + ("The calls in progress kept their pace." if report.ok else "; ".join((*report.void, *report.faults)))
        ),
        results={
            "drift of p95 in ms": ms(report.drift_p95_ms),
            "admitted": str(report.admitted),
            "refused": str(refused),
        },
        tables=[
            Table(
                "Response in ms",
                ("", "answers", "p50", "p95", "p99", "underruns", "unanswered"),
                [
                    (
                        name,
                        str(side.response_ms.count),
                        *(ms(value) for value in (side.response_ms.p50, side.response_ms.p95, side.response_ms.p99)),
                        str(side.underruns),
                        str(side.unanswered),
                    )
                    for name, side in _sides(report)
                ],
            ),
            Table(
                "Refused", ("reason", "calls"), [(name, str(count)) for name, count in sorted(report.refused.items())]
            ),
        ],
        meanings={
            "in progress": "The calls that were there before the others came. Their p95 may grow by 100 ms.",
            "newcomers": "Those of the others that the server let in.",
            "reason": "As docs/call-path.md explains the codes.",
        },
    )


def _sides(report: Overload) -> list[tuple[str, Side]]:
    return [
        ("in progress, before", report.before),
        ("in progress, during", report.during),
        ("newcomers", report.newcomers),
    ]


def _line(name: str, side: Side) -> str:
    response = side.response_ms
    return (
        f"{name:<22}{response.count:>9}{ms(response.p50):>14}{ms(response.p95):>7}{ms(response.p99):>7}"
        f"{side.underruns:>11}{side.unanswered:>12}"
    )
