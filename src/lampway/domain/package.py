"""What is inside a package, in words that hold for every platform."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from lampway.domain.digest import digest


@dataclass(frozen=True, slots=True)
class Component:
    """One thing a maker would name: a tab, a node, a flow, a table, a screen."""

    type: str
    """The platform's own word, in lower case."""
    name: str
    """What the maker calls it; falls back to type and id."""
    id: str
    """Stable across environments and versions."""
    fingerprint: str
    """Digest of what it does; unchanged by layout-only moves and by anything an environment gives."""
    parent: str = ""
    """Id of the component that holds it, if any."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that an environment must or may give."""

    name: str
    type: str
    """string, number, boolean, json or secret; where the platform has more, its own word."""
    required: bool
    has_default: bool
    used_by: tuple[str, ...] = ()
    """Names of the components that read it, for messages."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A place where an environment's credentials go."""

    name: str
    """Unique within the solution; what environment files call it."""
    connector: str
    """The platform's own word for the kind of connection."""
    fields: tuple[str, ...] = ()
    """Names of the secret fields to be given by reference."""
    component: str = ""
    """Id of the component that holds it."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Something that must be present in the environment and is not in the package."""

    kind: str
    """Such as `node type`, `solution`, `plug-in`."""
    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything a package holds and needs."""

    platform: str
    solution: str
    version: str
    managed: bool | None
    """None where the platform has no such notion."""
    fingerprint: str
    """Digest over all components: equal for two builds that do the same."""
    components: tuple[Component, ...]
    variables: tuple[Variable, ...] = ()
    connections: tuple[Connection, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    notes: tuple[str, ...] = ()
    caseless: bool = False
    """Whether the platform takes names of variables and connections that differ only in case for the same."""
    shared: bool = False
    """Whether a variable or a connection has one value in an environment, whatever solutions there have it."""

    def key(self, name: str) -> str:
        """Return what the name of a variable or a connection is compared by."""
        return name.casefold() if self.caseless else name


class Role(StrEnum):
    """What a literal in a package is for; scanners judge it by this."""

    SECRET_SLOT = "secret-slot"  # noqa: S105
    ENDPOINT = "endpoint"
    IDENTITY = "identity"
    RESOURCE_ID = "resource-id"
    CODE = "code"
    TEXT = "text"
    LAYOUT = "layout"


@dataclass(frozen=True, slots=True)
class Literal:
    """A piece of text in a package that a scanner should look at."""

    place: str
    """Where, in a maker's words and exact: `tab Orders / http request ERP / url`."""
    key: str
    """The name beside the value, joined from wherever the platform keeps it."""
    value: str
    role: Role


class Severity(StrEnum):
    """How bad a finding is. The strategy says which ones block."""

    SECRET = "secret"  # noqa: S105
    ENDPOINT = "endpoint"
    GOVERNANCE = "governance"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault found in a package. Never holds the value itself."""

    rule: str
    severity: Severity
    place: str
    summary: str
    fix: str
    """What the maker should do about it."""
    fingerprint: str = ""
    """A short keyed digest of the value, to recognise it again."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What reading a package yields."""

    inventory: Inventory
    literals: tuple[Literal, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Faults that only the platform's own reader can tell, beside what a scanner finds in the literals."""
    publisher: str = ""
    """Who the package is from, where it says so."""
    endpoint_fix: str = ""
    """How a maker puts a fixed address right on this platform, where a scanner's general advice would not help."""

    def faults(self, scanned: Sequence[Finding]) -> tuple[Finding, ...]:
        """Return the reader's findings together with a scanner's; where both speak of one place, it is one finding.

        The reader knows better what to do there, and the scanner whether it is a secret.
        """
        severe = {f.place: f for f in scanned if f.severity is Severity.SECRET}
        own = tuple(_raised(f, severe.get(f.place)) for f in self.findings)
        known = {f.place for f in own if f.severity is not Severity.GOVERNANCE}
        others = (f for f in scanned if f.place not in known)
        return own + tuple(self._advised(f) for f in others)

    def _advised(self, finding: Finding) -> Finding:
        is_meant = self.endpoint_fix and finding.severity is Severity.ENDPOINT
        return replace(finding, fix=self.endpoint_fix) if is_meant else finding


def _raised(finding: Finding, secret: Finding | None) -> Finding:
    """Return a finding, as bad as what a scanner found at the same place."""
    if secret is None or finding.severity is Severity.GOVERNANCE:
        return finding
    summary = f"{finding.summary}; {secret.summary}"
    return replace(finding, severity=Severity.SECRET, summary=summary, fingerprint=secret.fingerprint)


class Reversibility(StrEnum):
    """Whether a change can be taken back."""

    REVERSIBLE = "reversible"
    DATA_STEP = "data-step"
    FORWARD_ONLY = "forward-only"


@dataclass(frozen=True, slots=True)
class Edit:
    """One difference inside a component."""

    path: str
    """Where inside the component."""
    summary: str
    """In a maker's words; never a secret value."""


@dataclass(frozen=True, slots=True)
class Change:
    """A component that differs, with what differs in it."""

    component: Component
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Diff:
    """What separates two builds of a solution."""

    added: tuple[Component, ...] = ()
    removed: tuple[Component, ...] = ()
    changed: tuple[Change, ...] = ()
    unchanged: int = 0
    reversibility: Reversibility = Reversibility.REVERSIBLE
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing that does anything differs."""
        return not (self.added or self.removed or self.changed)

    def summaries(self) -> tuple[str, ...]:
        """Return one line per difference, in a maker's words."""
        lines = [f"{c.type} *{c.name}* added" for c in self.added]
        lines += [f"{c.type} *{c.name}* removed" for c in self.removed]
        lines += [f"{c.component.type} *{c.component.name}*: {e.summary}" for c in self.changed for e in c.edits]
        return tuple(lines)


@dataclass(frozen=True, slots=True)
class PackageReference:
    """A package in the package store."""

    digest: str
    """`sha256:<hex>` of its bytes."""
    size: int
    """Bytes."""
    platform: str
    fingerprint: str
    """The inventory's fingerprint."""


def fingerprint_of(components: tuple[Component, ...] | list[Component]) -> str:
    """Return the digest over all components, whatever their order."""
    return digest(sorted([c.type, c.id, c.parent, c.fingerprint] for c in components))


@dataclass(frozen=True, slots=True)
class Scope:
    """What in a dev environment belongs to a solution, as its owner declared it."""

    solution: str
    version: str = ""
    contains: tuple[str, ...] = ()
    """Names or ids of the platform's top-level containers (tabs, workflows, apps)."""
    constants: tuple[str, ...] = ()
    """Names of values that stay in the package because they are the same everywhere."""
    connections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Connections declared by hand: name to fields, where the platform does not tell."""
