"""What a call's models took, summed."""

import msgspec

from crm.calls.model_usage import MODEL_USED_KIND, model_usage
from events.call import ModelUsed, kind_of


def test_requests_add_up_by_provider_and_fate() -> None:
    used = [
        ModelUsed("a", "spoken", "", 100, 20, cost_milli=3),
        ModelUsed("b", "lost", "", 100, 0, estimated=True),
        ModelUsed("a", "spoken", "", 120, 10, cost_milli=4),
        ModelUsed("a", "thrown_away", "", 110, 2, cost_milli=2),
        ModelUsed("a", "thrown_away", "", 1, 1),
    ]
    assert {kind_of(body) for body in used} == {MODEL_USED_KIND}
    spoken, thrown, lost = model_usage(msgspec.to_builtins(used))
    assert spoken == {
        **{"provider": "a", "fate": "spoken", "requests": 2},
        **{"prompt_tokens": 220, "completion_tokens": 30, "cost": 7},
    }
    assert (thrown["requests"], thrown["cost"]) == (2, None)
    assert (lost["provider"], lost["cost"]) == ("b", None)
    assert model_usage(()) == []
