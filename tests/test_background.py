import subprocess
import sys
import threading

import pytest

from emorec.background import BackgroundCall


def test_the_call_runs_while_the_caller_goes_on():
    goes_on = threading.Event()
    call = BackgroundCall(lambda: (goes_on.wait(10), threading.current_thread())[1])
    goes_on.set()
    assert call.result() is not threading.current_thread()
    assert call.result() is call.result()


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_an_exception_is_raised_where_the_result_is_awaited(error):
    def fail() -> None:
        raise error

    call = BackgroundCall(fail)
    with pytest.raises(type(error)) as caught:
        call.result()
    assert caught.value is error
    assert caught.traceback[-1].name == "fail"


def test_a_process_that_awaits_no_result_ends_in_order():
    code = (
        "import time; from emorec.background import BackgroundCall; "
        "BackgroundCall(lambda: (time.sleep(0.2), print('done'))); raise SystemExit(2)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "done\n", "")
