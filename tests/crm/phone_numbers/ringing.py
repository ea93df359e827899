"""What the tests of calls that come in share."""

from tests.crm.conftest import Org


def our_number(org: Org) -> str:
    """Return a number that no other test's organisation has."""
    return f"+1202{org.id.int % 10**7:07d}"
