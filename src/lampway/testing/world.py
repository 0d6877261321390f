"""The product behind the in-memory platform: worlds that hold apps, and a back door to look into and to change them.

Nothing here knows Lampway. What a real vendor does to an adapter can be asked for: slowness, people who edit
meanwhile, and faults.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class CrashError(BaseException):
    """Our own process dies here. No error of Lampway's, so that nothing can catch it by mistake."""


class Fault(StrEnum):
    """What can go wrong at the next call of a method."""

    UNREACHABLE = "unreachable"
    """No connection; nothing is sent."""
    DENIED = "denied"
    """Whoever asks is not accepted."""
    REFUSED = "refused"
    """The product says no to a change, and changes nothing."""
    FAILED = "failed"
    """The product begins a change, says no half way, and tells what was applied."""
    LOST = "lost"
    """A change is made; its answer never arrives."""
    UNSENT = "unsent"
    """A change is not made, and no answer arrives either: from here it looks like `LOST`."""
    HALF = "half"
    """Half of a change is made, and no answer arrives."""
    LATE = "late"
    """No answer arrives; the change is made later, once somebody has asked `slowness` times."""
    FALSE_NO = "false-no"
    """A change is made whole, and the product says that it refused it."""
    FALSE_YES = "false-yes"
    """A change is not made, and the product says that it is done."""
    CRASH_BEFORE = "crash-before"
    """Our process dies before the call does anything."""
    CRASH_AFTER = "crash-after"
    """Our process dies once the call has done everything."""


@dataclass(frozen=True, slots=True)
class Part:
    """A step of an app, as a maker drew it."""

    id: str
    name: str
    does: str = ""
    """Its script. `${NAME}` reads a value of the environment; `${NAME:VALUE}` also remembers the one dev had."""
    at: int = 0
    """Where it stands on the canvas; changes nothing that it does."""
    account: str = ""
    """Name of the account that it signs in with, if any."""
    plugin: str = ""
    """Plug-in that it needs, if any."""


@dataclass(slots=True)
class App:
    """What makers build: parts, beside the values and passwords that this world gives them."""

    id: str
    name: str
    parts: tuple[Part, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    """By account. Write-only for everybody who is not at the back door."""
    editors: set[str] = field(default_factory=set)
    """E-mails of the people who saved it."""
    is_on: bool = True
    """Whether it runs."""
    saved_at: str = ""
    """When somebody saved it last, as the product tells; empty where it does not."""


@dataclass(slots=True)
class Operation:
    """A change that is under way."""

    apply: Callable[[], bool]
    """Makes the change and returns True, unless somebody changed something there meanwhile."""
    left: int
    """How often somebody must ask before it is done."""
    finished: bool = False
    made: bool = False

    def go_on(self) -> bool:
        """Come one question closer to the end, where the change is made, and return whether it is reached."""
        self.left -= 1
        if self.left <= 0 and not self.finished:
            self.finished = True
            self.made = self.apply()
        return self.finished


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of an app, as the product counts it."""

    app: str
    at: str
    """ISO time, UTC."""
    went_well: bool


@dataclass(slots=True)
class World:
    """One environment of the product."""

    url: str
    token: str = "engine-token"  # noqa: S105 - of a product that does not exist
    maker_token: str = "maker-token"  # noqa: S105
    apps: dict[str, App] = field(default_factory=dict)
    plugins: set[str] = field(default_factory=set)
    revision: int = 1
    """Counts changes; the product refuses one that was made from another revision."""
    is_locked: bool = False
    has_lock_switch: bool = True
    """Whether the lock can be set from outside."""
    label: str = ""
    """What everybody sees who works there."""
    is_down: bool = False
    """Whether its process has ended: nothing answers, and nothing is lost."""
    slowness: int = 0
    """How often somebody must poll before a change is done; 0 makes every change at once."""
    operations: dict[str, Operation] = field(default_factory=dict)
    busy: tuple[str, str] | None = None
    """Since when (ISO time, UTC) another team has an import under way here, and who; nothing else goes on meanwhile."""
    forgets: bool = False
    """Whether it no longer knows its operations by their handles, as after a restart of the product."""
    takes: tuple[float, float] = (0.0, 0.0)
    """Seconds that a change takes before it is made, and from there until it is answered."""
    under_way: dict[int, int] = field(default_factory=dict)
    """Process to how many changes it has under way here."""
    interleaved: int = 0
    """How often a change was begun while another process had one under way here."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each method of the adapter was called here."""
    applied: list[tuple[str, str, str]] = field(default_factory=list)
    """Every change that was made: step, solution, version."""
    passwords_sent: int = 0
    switched: list[tuple[str, bool]] = field(default_factory=list)
    """Every app that was switched, and whether on."""
    executions: list[Execution] = field(default_factory=list)
    _faults: list[tuple[str, Fault]] = field(default_factory=list)
    _meanwhile: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    # What the adapter calls.

    def enter(self, method: str) -> Fault | None:
        """Count a call of the adapter, let happen what was to happen meanwhile, and return the fault it meets."""
        self.calls[method] += 1
        for entry in [e for e in self._meanwhile if e[0] == method]:
            self._meanwhile.remove(entry)
            entry[1]()
        for planned in self._faults:
            if planned[0] == method:
                self._faults.remove(planned)
                return planned[1]
        return None

    # The back door.

    def fail(self, fault: Fault, *, on: str = "perform", times: int = 1) -> None:
        """Let the next calls of a method of the adapter meet this fault."""
        self._faults += [(on, fault)] * times

    def meanwhile(self, does: Callable[[], object], *, before: str = "perform") -> None:
        """Let somebody do this just before the adapter's next call of a method gets through."""
        self._meanwhile.append((before, does))

    def draw(self, app: App, *, by: str = "") -> None:
        """Save an app as its maker drew it."""
        self.apps[app.id] = app
        self._saved(app, by)

    def edit(self, part: str, *, by: str = "", **changes: Any) -> None:
        """Change a part live, wherever it is: `edit("p1", does="...")`."""
        app = next((a for a in self.apps.values() if any(p.id == part for p in a.parts)), None)
        if app is None:
            raise LookupError(f"there is no part {part} in {self.url}")
        app.parts = tuple(replace(p, **changes) if p.id == part else p for p in app.parts)
        self._saved(app, by)

    def save(self, part: str, **changes: Any) -> bool:
        """Change a part as a maker does in the editor, and return whether that was let through."""
        if not self.is_locked:
            self.edit(part, **changes)
        return not self.is_locked

    def give(self, app: str, name: str, value: Any) -> None:
        """Set a value of an app live."""
        self.apps[app].values[name] = value
        self.revision += 1

    def contents(self) -> object:
        """Return a copy of everything that is there, passwords included, to be compared later."""
        return copy.deepcopy({key: (a.name, a.parts, a.values, a.passwords) for key, a in self.apps.items()})

    def _saved(self, app: App, by: str) -> None:
        app.editors |= {by} - {""}
        self.revision += 1
