"""A child process that answers as the worker of trials does, without a training."""

import os
import time

from emorec.child_process import begin_child, receive, send
from emorec.training.tuning_records import OBJECTIVES, TrialFigures

FIGURES = TrialFigures(dict.fromkeys(OBJECTIVES, 0.5), {"accuracy": (0.4, 0.6)}, 200, 1)


def main() -> None:
    """Do what the job says: complete, fail, crash or hang."""
    incoming, outgoing = begin_child(limited=False)
    while True:
        try:
            job, _ = receive(incoming)
        except EOFError:
            return
        send(outgoing, {"step": f"process {os.getpid()}"})
        send(outgoing, {"seconds": 5.0})
        send(outgoing, {"progress": [1, 2, 3, 4]})
        send(outgoing, {"epoch": 1, "value": 0.5, "seconds_left": 2.0})
        if receive(incoming)[0]["stop"]:
            send(outgoing, {"stopped": True})
            continue
        match job["do"]:
            case "crash":
                os.abort()
            case "hang":
                time.sleep(60)
            case "diverge":
                send(outgoing, {"diverged": "the loss became nan"})
            case "fail":
                send(outgoing, {"failed": "no such file"})
            case _:
                send(outgoing, {"figures": FIGURES.to_dict()})
