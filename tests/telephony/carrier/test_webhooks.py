"""The retry policy in an address's fragment."""

from telephony.carrier.webhooks import Policy, policy_of


def test_without_a_fragment_only_failed_connections_are_tried_again() -> None:
    address, policy = policy_of("http://127.0.0.1/x?y=1")
    assert address == "http://127.0.0.1/x?y=1"
    assert policy == Policy()
    assert policy.retries_on("ct")
    assert not policy.retries_on("5xx")


def test_the_fragment_changes_the_policy_and_is_taken_off() -> None:
    address, policy = policy_of("http://127.0.0.1/x#rc=3&rp=5xx,rt&ct=2000&rt=500")
    assert address == "http://127.0.0.1/x"
    assert policy == Policy(3, frozenset({"5xx", "rt"}), 2.0, 0.5)
    assert not policy.retries_on("ct")
    assert policy_of("http://a/#rp=all")[1].retries_on("4xx")


def test_nonsense_is_ignored_and_bounds_hold() -> None:
    assert policy_of("http://a/#rc=many&ct=1&rt=99999999")[1] == Policy(1, frozenset({"ct"}), 0.1, 15.0)
