"""A worker on a machine of its own that stops at a named moment. Run by the tests.

Usage: python machine.py ROOT MOMENT SIGNAL: MOMENT is `KIND:STEP` of an event that was just made durable, or `-`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from lampway.app import open_worker
from lampway.cli.worker import Log, _line, _signals
from lampway.domain.events import Recorded


def main(root: Path, moment: str, number: int) -> None:
    def watch(recorded: Recorded) -> None:
        if moment == f"{recorded.event.kind}:{getattr(recorded.event, 'step', '')}":
            os.kill(os.getpid(), number)

    log = Log()
    with open_worker(root, observers=(log, watch), say=_line) as worker, _signals(worker.leave):
        log.name_of = worker.name_of
        worker.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(getattr(signal, sys.argv[3])))
