"""May the people who are in calls still be there: asked by their nodes, and known without a database mostly."""

from crm.identity.standings import Standings
from crm.identity.tokens import Identity
from crm.people_on_calls.seats import needed
from crm.permissions import may
from events.standing import Gone, InCall, StandingAnswer, StandingQuestion


async def judge(question: StandingQuestion, standings: Standings) -> StandingAnswer:
    """Return who has to leave their call, and why."""
    return StandingAnswer(tuple([await _gone(one, standings) for one in question.people]))


async def _gone(one: InCall, standings: Standings) -> Gone | None:
    # Of an identity only what a standing hangs on counts: mail and role are those of long ago.
    role = await standings.role_of(Identity(one.user_id, "", "", one.org_id, one.session_id))
    if role is None:
        return Gone.SIGNED_OUT
    return None if all(may(role, permission) for permission in needed(one.seat)) else Gone.NOT_ALLOWED
