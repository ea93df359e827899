"""What a voice process that cannot start says: the faults themselves, not the groups of tasks they came out of."""

from agent.stt.whisper_folder import BadModelFolder
from telephony.app import _causes


def test_a_fault_is_told_however_deep_it_lies() -> None:
    inner = ExceptionGroup("unhandled errors in a TaskGroup", [BadModelFolder("SALESOS_WHISPER_MODEL: no folder")])
    group = ExceptionGroup("", [OSError("port taken"), ExceptionGroup("unhandled errors in a TaskGroup", [inner])])
    assert list(_causes(group)) == ["port taken", "SALESOS_WHISPER_MODEL: no folder"]
