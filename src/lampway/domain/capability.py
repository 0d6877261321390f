"""What a platform can do, as data: decided before a release starts, never found out half way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Support(StrEnum):
    """How far a platform supports an ability."""

    FULL = "full"
    PARTIAL = "partial"
    NOT_YET = "not_yet"
    IMPOSSIBLE = "impossible"
    UNKNOWN = "unknown"


class Ability(StrEnum):
    """Every ability a platform may declare. Contract tests are chosen by these names."""

    EXPORT = "export"
    """In full: also what was deployed, from wherever it was deployed to. In part: only from where it is built."""
    DEPLOY = "deploy"
    REMOVE = "remove"
    OBSERVE = "observe"
    CONFIGURE = "configure"
    SECRETS = "secrets"
    PRECONDITION = "precondition"
    """The platform refuses a change when it was altered since we looked."""
    ATOMIC = "atomic"
    """A deployment is all or nothing."""
    RECOVERY = "recovery"
    """After a crash it can be told whether a change happened."""
    ROLLBACK = "rollback"
    EDITORS = "editors"
    """The platform names who edited."""
    LOCK_OBSERVE = "lock-observe"
    LOCK_SET = "lock-set"
    """Lampway can lock makers out by itself, and let them in for a while."""
    LABEL = "label"
    """The platform shows a label of the environment, which can be read and set."""
    LAUNCH = "launch"
    """Lampway can start an environment of this platform by itself."""
    SMOKE_RUN = "smoke-run"
    """The platform itself can try whether what is installed runs."""
    EXECUTIONS = "executions"
    """The platform tells how many runs of what is installed failed."""
    SWITCH = "switch"
    """What is installed can be switched off, and on again, without being removed."""
    USAGE = "usage"
    """The platform tells when what is installed ran last, or was changed last."""
    SANDBOX = "sandbox"
    """Lampway can start environments of it for a time, and take them away without a trace."""
    PICTURE = "picture"
    """Packages can be drawn as their makers see them on a canvas."""
    BLANK = "blank"
    """Values of the source environment that an export keeps can be taken out of a package before it is sealed."""
    MATCH = "match"
    """What runs can be held against a package, where it cannot be exported: how it is adopted then."""
    SURVEY = "survey"
    """An environment can be looked at whole, where it cannot be exported whole: how it is watched then."""
    GATHER = "gather"
    """What makers built outside of every solution can be listed with its owners, and put into one."""


@dataclass(frozen=True, slots=True)
class Capability:
    """One ability with how far it is supported."""

    name: Ability
    support: Support
    note: str = ""
    """The limit, in a sentence; required for partial."""
