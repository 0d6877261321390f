"""Sandboxes: environments that are there for a while, belong to somebody, and from which nothing is released."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.moments import later, seconds_between
from lampway.domain.spans import HINT, parse_span, span_in_words
from lampway.errors import UsageError

TIER = "sandbox"
"""The tier of such environments; those that a strategy declares have it too."""
LONGEST = 90 * 86_400.0
"""Seconds; nothing that is called disposable lasts longer without somebody saying so again."""
AT_ONCE = 5
"""How many one person may have."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DAY = 86_400.0


class SandboxState(StrEnum):
    """Where a sandbox stands. Whether it runs is not kept: it is looked at."""

    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A disposable environment."""

    id: str
    name: str
    platform: str
    owner: str
    """Id of a person."""
    host: str
    """The machine it is on."""
    created_at: str
    until: str
    """ISO time, UTC, at which it is taken away by itself."""
    origin: str = ""
    """What it was filled from: an environment, or `solution@version`; empty for nothing."""
    hotfix: str = ""
    """Id of the hotfix it was made for; empty for none."""
    url: str = ""
    """Empty until it was started."""
    content: tuple[str, ...] = ()
    """What was put in, as `solution@version`."""
    state: SandboxState = SandboxState.LIVE
    reminded_at: str = ""
    """When its owner was last told that it ends soon."""
    ended_at: str = ""
    note: str = ""
    """Why it ended."""

    @property
    def place(self) -> str:
        """The name of its folder: never used for another one."""
        return f"{self.name}-{self.id}"

    @property
    def remind_at(self) -> str:
        """When its owner is told that it ends soon: a day before, or in its last quarter where it is short."""
        whole = seconds_between(self.created_at, self.until)
        return later(self.until, -min(_DAY, whole / 4))

    def is_over(self, now: str) -> bool:
        """Return whether its time is over."""
        return self.until <= now

    def is_to_be_reminded(self, now: str) -> bool:
        """Return whether its owner is to be told now that it ends soon."""
        return not self.reminded_at and self.remind_at <= now < self.until

    def next_moment(self) -> str:
        """Return when something is due next."""
        return self.until if self.reminded_at else self.remind_at


def require_name(name: str) -> str:
    """Return a name that a sandbox may have. Raises UsageError."""
    if len(name) > 40 or not _NAME.fullmatch(name):
        hint = "small letters, digits and single hyphens, at most 40, such as try-orders"
        raise UsageError(f"not a name for a sandbox: {name!r}", hint=hint)
    return name


def end_of(now: str, lasting: str) -> str:
    """Return when something ends that begins now and lasts for a time such as *7d*. Raises UsageError."""
    span = parse_span(lasting)
    if span is None:
        raise UsageError(f"not a length of time: {lasting!r}", hint=HINT)
    if span > LONGEST:
        raise UsageError(f"a sandbox lasts at most {span_in_words(LONGEST)}, not {lasting}", hint="extend it later")
    return later(now, span)
