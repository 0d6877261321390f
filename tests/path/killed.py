"""Approves a promotion and kills its own process, as kill -9 would, at a named moment. Run by the tests.

Usage: python killed.py ROOT PROMOTION MOMENT, where MOMENT is `KIND:STEP` of an event that was just made durable, or
`before-perform` or `after-perform` for the instants around the platform's own change, of any step or of `:STEP`.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from lampway.app import LocalSession, open_engine
from lampway.cli.keys import sign
from lampway.domain.events import Recorded
from lampway.engine.decide import Decide


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Dying:
    """An adapter that dies with its whole process around its change."""

    def __init__(self, platform: Any, moment: str) -> None:
        self._platform = platform
        self._moment = moment

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)

    def perform(self, *words: Any) -> Any:
        step = words[2]
        if self._moment in {"before-perform", f"before-perform:{step}"}:
            die()
        outcome = self._platform.perform(*words)
        if self._moment in {"after-perform", f"after-perform:{step}"}:
            die()
        return outcome


def main(root: Path, promotion: str, moment: str) -> None:
    def watch(recorded: Recorded) -> None:
        step = getattr(recorded.event, "step", "")
        if moment == f"{recorded.event.kind}:{step}":
            die()

    from dataclasses import replace

    engine = open_engine(root, (watch,))
    platforms = {name: Dying(engine.platforms[name], moment) for name in engine.platforms}
    session = LocalSession(root, user="ben")
    session._engine = replace(engine, platforms=platforms)
    signed, _ = sign(session, Decide(promotion, approved=True), "")
    session.run(signed)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
