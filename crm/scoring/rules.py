"""A lead's score, 0 to 100, and why it is that: profile and engagement, each 0 to 100, by their weights. Sans-I/O.

The same facts always give the same score. Whatever a lead's fields hold, there is a score.
"""

from dataclasses import dataclass
from typing import Any, Final

from crm.leads.progress import CALLBACK_SCHEDULED, MEETING_BOOKED
from crm.scoring.part import Part
from crm.scoring.profile import count_of, profile_parts

SCORE_MAX: Final = 100

MEETING_POINTS: Final = 60
CALLBACK_POINTS: Final = 30
ANSWERED_POINTS: Final = 10  # for each call that a person answered
ANSWERED_POINTS_MAX: Final = 30
MESSAGE_POINTS: Final = 10  # for each message that they wrote to us
MESSAGE_POINTS_MAX: Final = 30
CLICK_POINTS: Final = 5
CLICK_POINTS_MAX: Final = 20
OPEN_POINTS: Final = 2
OPEN_POINTS_MAX: Final = 10
OBJECTION_POINTS: Final = -5
OBJECTION_POINTS_MIN: Final = -20
DECLINED_POINTS: Final = -40
# Custom fields that other systems fill: how often mail of ours was opened, and links in it followed.
OPEN_NAMES: Final = ("emailopens", "opens", "opened")
CLICK_NAMES: Final = ("emailclicks", "clicks", "clicked")


@dataclass(frozen=True, slots=True)
class Scheme:
    """How an organisation weighs. The weights add up to 1, so that the score stays within its bounds."""

    profile: float = 0.3
    engagement: float = 0.7
    title_field: str = ""  # the custom field that holds job titles; empty: by its usual names
    size_field: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a lead. Counts are of calls, appointments and messages."""

    custom_fields: Any = None
    status: str = ""
    do_not_call: bool = False
    objections: int = 0
    answered: int = 0  # calls that a person answered
    goals: int = 0  # calls that reached what they were for
    callbacks: int = 0  # calls that ended with a wish to be called back
    declines: int = 0  # calls that ended without interest
    booked: int = 0  # appointments, past ones too
    cancelled: int = 0
    messages: int = 0  # that they wrote to us, on whatever channel


@dataclass(frozen=True, slots=True)
class Side:
    points: int  # 0 to 100
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Scored:
    total: int
    profile: Side
    engagement: Side
    why_zero: str = ""  # set where the sides do not count


def score(facts: Facts, scheme: Scheme) -> Scored:
    """Return a lead's score with all its parts."""
    profile = _side(profile_parts(facts.custom_fields, scheme.title_field, scheme.size_field))
    engagement = _side(_engagement(facts))
    if facts.do_not_call:
        return Scored(0, profile, engagement, "asked not to be called")
    weighed = scheme.profile * profile.points + scheme.engagement * engagement.points
    # Half a point counts as one; round() would go to the even number.
    return Scored(max(0, min(SCORE_MAX, int(weighed + 0.5))), profile, engagement)


def _side(parts: tuple[Part, ...]) -> Side:
    return Side(max(0, min(SCORE_MAX, sum(part.points for part in parts))), parts)


def _engagement(facts: Facts) -> tuple[Part, ...]:
    opens, clicks = count_of(facts.custom_fields, OPEN_NAMES), count_of(facts.custom_fields, CLICK_NAMES)
    parts = [
        _meeting(facts),
        Part("callback", CALLBACK_POINTS, "wants to be called back")
        if facts.callbacks or facts.status == CALLBACK_SCHEDULED
        else None,
        _each("answered", facts.answered, ANSWERED_POINTS, ANSWERED_POINTS_MAX, "answered {} of our calls"),
        _each("messages", facts.messages, MESSAGE_POINTS, MESSAGE_POINTS_MAX, "wrote to us {} times"),
        _each("clicks", clicks, CLICK_POINTS, CLICK_POINTS_MAX, "followed {} links in mail"),
        _each("opens", opens, OPEN_POINTS, OPEN_POINTS_MAX, "opened mail {} times"),
        _each("objections", facts.objections, OBJECTION_POINTS, OBJECTION_POINTS_MIN, "objected {} times"),
        Part("declined", DECLINED_POINTS, "said that there is no interest") if facts.declines else None,
    ]
    return tuple(part for part in parts if part is not None)


def _meeting(facts: Facts) -> Part | None:
    """What is in the calendar counts; where nothing was ever in it, what was agreed in a call."""
    if facts.booked:
        return Part("meeting", MEETING_POINTS, "has a meeting booked, or had one")
    if facts.cancelled:
        return None
    if facts.goals or facts.status == MEETING_BOOKED:
        return Part("meeting", MEETING_POINTS, "agreed to what the call was for")
    return None


def _each(name: str, count: int, points: int, bound: int, reason: str) -> Part | None:
    if not count:
        return None
    sofar = points * count
    return Part(name, max(bound, sofar) if points < 0 else min(bound, sofar), reason.format(count))
