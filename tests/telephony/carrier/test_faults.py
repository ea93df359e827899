"""Faults by number, used up or by chance."""

from telephony.carrier.calls import Status
from telephony.carrier.faults import FaultPlan, Faults


def test_a_dial_fault_is_used_up() -> None:
    faults = Faults()
    faults.set(FaultPlan(number="+12025550101", end_as=Status.FAILED, times=2))
    assert faults.on_dial("+12025550102") is None
    assert [faults.on_dial("+12025550101") is not None for _ in range(3)] == [True, True, False]


def test_without_a_plan_callbacks_go_out_once_and_now() -> None:
    assert Faults().deliveries("+12025550101") == [0.0]


def test_disorder_follows_its_chances_and_is_repeatable() -> None:
    faults = Faults()
    plan = FaultPlan(duplicate=0.5, reorder=0.5, reorder_ms=700, lose=0.2, seed=7)
    faults.set(plan)
    first = [faults.deliveries("+1") for _ in range(200)]
    faults.set(plan)
    assert [faults.deliveries("+1") for _ in range(200)] == first
    kinds = {(len(copies), bool(copies) and copies[0] > 0) for copies in first}
    assert kinds == {(0, False), (1, False), (1, True), (2, False), (2, True)}


def test_a_number_goes_before_all_numbers_and_clear_mends() -> None:
    faults = Faults()
    faults.set(FaultPlan(lose=1.0))
    faults.set(FaultPlan(number="+12025550101"))
    assert faults.deliveries("+12025550101") == [0.0]
    assert faults.deliveries("+12025550102") == []
    faults.clear()
    assert faults.deliveries("+12025550102") == [0.0]
    assert faults.plans() == []
