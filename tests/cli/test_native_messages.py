import os
import sys

import pytest

from emorec.cli.native_messages import messages_held_back, native_messages_dropped


def test_native_messages_are_dropped_and_those_of_python_are_not(capfd: pytest.CaptureFixture):
    with native_messages_dropped():
        os.write(2, b"native\n")
        print("python", file=sys.stderr)
    os.write(2, b"after\n")
    out, err = capfd.readouterr()
    assert out == ""
    assert "native" not in err
    assert "after\n" in err


def test_python_messages_appear_while_native_ones_are_dropped(tmp_path):
    """In a process of its own, where standard error is the descriptor 2."""
    import subprocess

    script = (
        "import os, sys\n"
        "from emorec.cli.native_messages import native_messages_dropped\n"
        "with native_messages_dropped():\n"
        "    os.write(2, b'native')\n"
        "    print('python', file=sys.stderr)\n"
        "print('after', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "python\nafter\n")


@pytest.mark.parametrize("fails", [False, True])
def test_messages_are_held_back_until_an_error(capfd: pytest.CaptureFixture, fails: bool):
    def work() -> None:
        with messages_held_back():
            os.write(1, b"out\n")
            os.write(2, b"err\n")
            if fails:
                raise KeyError("k")

    if fails:
        with pytest.raises(KeyError):
            work()
    else:
        work()
    assert capfd.readouterr() == ("", "out\nerr\n" if fails else "")
