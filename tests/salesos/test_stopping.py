"""The stop flag."""

import os
import signal

import pytest

from salesos.stopping import SIGNALS, StopFlag, Stopped


def test_a_signal_is_noticed_at_the_next_check() -> None:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    flag = StopFlag()
    try:
        flag.listen()
        flag.check()
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Stopped):
            flag.check()
        assert flag.asked == 2
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
