"""What a request took, in tokens and money."""

from hypothesis import given
from hypothesis import strategies as st

from agent.llm.port import Message, Request, Role, Usage
from agent.llm.usage import Price, estimate


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_cost_is_whole_and_never_less_than_the_price(prompt: int, completion: int, tokens: int, made: int) -> None:
    cost = Price(prompt, completion).cost(Usage(tokens, made))
    exact = prompt * tokens + completion * made
    assert (cost - 1) * 1_000_000 < exact <= cost * 1_000_000


def test_tokens_that_nobody_reports_are_estimated_from_all_that_was_sent() -> None:
    request = Request((Message(Role.USER, "x" * 40), Message(Role.ASSISTANT, "y" * 4)), "z" * 8, said="w" * 4)
    assert estimate(request, 5) == Usage(14, 2)
    assert estimate(Request(()), 0) == Usage(0, 0)
