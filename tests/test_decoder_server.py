"""The main loop of a decoder process; test_decoder_process.py runs it on all kinds of content."""

import os
import subprocess
import sys

from emorec.child_process import receive, send


def test_what_a_library_prints_does_not_end_up_between_the_answers():
    code = (
        "import os, threading, emorec.decoder_server as server\n"
        "decode = server._decode\n"
        "def loud(*arguments):\n"
        "    os.write(1, b'noise')\n"
        "    print('noise', flush=True)\n"
        "    return decode(*arguments)\n"
        "server._decode = loud\n"
        "server.serve()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        send(process.stdin, {"flags": 0}, memoryview(b"no image"))
        answer, pixels = receive(process.stdout)
    assert "damaged" in answer["error"]
    assert pixels == b""
