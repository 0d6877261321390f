"""What every fact of the ledger has: who did it, and which kind it is of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it."""

    person: str
    """Id in people.yaml; the e-mail or user name itself where it maps to nobody; `lampway` for the engine."""
    via: str
    """How we know: `LAMPWAY_USER`, `git`, `engine`."""
    authenticated: bool = False
    """Whether it was proved. A variable or git's configuration proves nothing."""
    name: str = ""
    email: str = ""


ENGINE = Actor("lampway", "engine", authenticated=True, name="Lampway")
"""The engine itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact. Subclasses say which."""

    kind: ClassVar[str]
    schema: ClassVar[int] = 1
