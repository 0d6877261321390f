"""Notices: what people are told without having asked, to whom, and when it is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from lampway.domain.moments import later


class NoticeKind(StrEnum):
    """What a notice is about."""

    APPROVAL_NEEDED = "approval-needed"
    DECIDED = "decided"
    VOIDED = "voided"
    EXPIRED = "expired"
    DEPLOYED = "deployed"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    RECONCILE = "reconcile"
    DRIFT = "drift"
    LOCK_OPEN = "lock-open"
    UNLOCKED = "unlocked"
    """Break-glass: asked for, open, locked again or not, and whether somebody else has looked at it."""
    CERTIFY = "certify"
    """Somebody owes an answer whether a solution is still needed."""
    SWITCHED = "switched"
    """Something was switched off or on, or waits for hands that do it."""
    RETIREMENT = "retirement"
    SANDBOX = "sandbox"
    INVITED = "invited"
    """Somebody else made a link that signs in as one, or it was followed."""
    TEST = "test"
    """Somebody tries a channel; never routed."""


ROUTED = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)
"""The kinds that a strategy may send somewhere."""
_CALM = frozenset({NoticeKind.DECIDED, NoticeKind.VOIDED, NoticeKind.EXPIRED, NoticeKind.DEPLOYED, NoticeKind.DRIFT})
_FIRST_WAIT, _LONGEST_WAIT = 30.0, 6 * 3600.0
ATTEMPTS = 15
"""How often a notice is tried before it is given up: over about two days."""
ON_CALL = ("on-call", "release-manager", "platform-admin")
"""Whom an operational notice is for where the strategy does not say: the first of these roles that somebody holds."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out: a chat or a mailbox by way of Apprise, or a webhook."""

    name: str
    apprise: str = ""
    """Secret reference to an Apprise URL; empty for a webhook."""
    webhook: str = ""
    """Where a signed webhook goes."""
    secret: str = ""
    """Secret reference to what the webhook is signed with."""


@dataclass(frozen=True, slots=True)
class Route:
    """Which notices go through which channels."""

    through: tuple[str, ...]
    """Names of channels."""
    kinds: tuple[str, ...] = ()
    """Empty: every kind."""
    roles: tuple[str, ...] = ()
    """Only for those of whom it is for who hold one of these; empty, with no people: for all of them."""
    people: tuple[str, ...] = ()
    """Likewise, by id."""
    digest: float = 0.0
    """Seconds in which what is of low risk is collected and sent as one; 0: each by itself."""


@dataclass(frozen=True, slots=True)
class Notify:
    """Who is told what, and how."""

    channels: tuple[Channel, ...]
    routes: tuple[Route, ...]
    url: str = ""
    """Where the screens are; empty: notices name a command instead."""
    on_call: tuple[str, ...] = ()
    """Roles that answer for operation."""
    allow: tuple[str, ...] = ()
    """Networks that are not public and that webhooks may reach all the same."""

    def channel(self, name: str) -> Channel | None:
        """Return the channel of this name, or None."""
        return next((c for c in self.channels if c.name == name), None)


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell, in words. Holds what the ledger holds, so never a secret."""

    kind: str
    title: str
    """One line."""
    text: str
    """What is known, and why."""
    command: str
    """What to run to see it."""
    screen: str
    """The path of its one screen, below the address of the screens."""
    at: str
    people: tuple[str, ...] = ()
    """Ids of whom it is for."""
    solution: str = ""
    environment: str = ""
    release: str = ""
    """`solution@version`."""
    digest: str = ""
    """Of the release."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A notice on its way through one channel, as it is kept until it has arrived."""

    id: str
    """Stays the same however often it is tried, so that whoever receives it twice can tell."""
    channel: str
    notice: Notice
    next_at: str
    """When it is tried next."""
    batch: str = ""
    """What is sent as one: empty for what goes by itself."""
    error: str = ""
    """Why it did not arrive the last time."""
    is_final: bool = False
    """Whether it is not tried any more."""


def is_low_risk(kind: str, criticality: str) -> bool:
    """Return whether a notice may wait for others: it asks nothing of anybody, and its solution is not critical."""
    return kind in _CALM and criticality == "low"


def recipients(route: Route, people: Sequence[tuple[str, Sequence[str]]]) -> tuple[str, ...]:
    """Return who of `people`, each with their roles, a route is for."""
    if not route.roles and not route.people:
        return tuple(name for name, _ in people)
    wanted = set(route.roles)
    return tuple(name for name, roles in people if name in route.people or wanted & set(roles))


def retry_at(now: str, attempts: int, *, asked: float = 0.0) -> str:
    """Return when to try again what was tried so often: twice as long each time, or as long as the receiver asked."""
    wait = min(_FIRST_WAIT * 2 ** min(attempts - 1, 30), _LONGEST_WAIT)
    return later(now, max(wait, min(asked, _LONGEST_WAIT)))


def batch_end(now: str, length: float) -> str:
    """Return the end of the span in which notices of this moment are collected; the same for all moments in it."""
    moment = datetime.fromisoformat(now).timestamp()
    end = (int(moment // length) + 1) * length
    return datetime.fromtimestamp(end, UTC).isoformat(timespec="milliseconds")
