"""Risk: what a release changes, in numbers that are sealed with it, and the risk class that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.duties import RiskClass
from lampway.domain.package import Diff, Inventory, Reversibility

_WORST = (Reversibility.REVERSIBLE, Reversibility.DATA_STEP, Reversibility.FORWARD_ONLY)


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """What separates a release from the one sealed before it."""

    added: int
    """Components."""
    removed: int
    changed: int
    new_variables: tuple[str, ...] = ()
    """Names of variables that the release before did not ask for."""
    new_connections: tuple[str, ...] = ()
    reversibility: Reversibility = Reversibility.REVERSIBLE

    @property
    def touched(self) -> int:
        """How many components are added, removed or changed."""
        return self.added + self.removed + self.changed

    @property
    def needs(self) -> int:
        """How many values an environment must give that it did not have to before."""
        return len(self.new_variables) + len(self.new_connections)


def change_facts(diff: Diff, old: Inventory, new: Inventory) -> ChangeFacts:
    """Return a diff and two inventories as facts to be sealed."""
    variables = {v.name for v in new.variables} - {v.name for v in old.variables}
    fields = {(c.name, f) for c in old.connections for f in c.fields}
    connections = {c.name for c in new.connections for f in c.fields if (c.name, f) not in fields}
    return ChangeFacts(
        len(diff.added),
        len(diff.removed),
        len(diff.changed),
        tuple(sorted(variables)),
        tuple(sorted(connections)),
        diff.reversibility,
    )


def together(changes: Sequence[ChangeFacts | None]) -> ChangeFacts | None:
    """Return several changes, one after another, as one; None when one of them is not known, or there is none."""
    known = [change for change in changes if change is not None]
    if not known or len(known) < len(changes):
        return None
    return ChangeFacts(
        sum(c.added for c in known),
        sum(c.removed for c in known),
        sum(c.changed for c in known),
        tuple(sorted({v for c in known for v in c.new_variables})),
        tuple(sorted({v for c in known for v in c.new_connections})),
        max((c.reversibility for c in known), key=_WORST.index),
    )


def classify(
    classes: Sequence[RiskClass], criticality: str, change: ChangeFacts | None, quorum: int, *, data_class: str = ""
) -> RiskClass | None:
    """Return the first class that these facts fit, or None.

    What is not known fits nothing that is asked about it. A class that asks for fewer approvals than `quorum` fits
    only where the change is known.
    """
    fitting = (c for c in classes if not c.data_class or data_class in c.data_class)
    return next((c for c in fitting if _fits(c, criticality, change, quorum)), None)


def _fits(wanted: RiskClass, criticality: str, change: ChangeFacts | None, quorum: int) -> bool:
    if wanted.criticality and criticality not in wanted.criticality:
        return False
    if change is None:
        asks = (wanted.touches_at_most, wanted.removes_at_most, wanted.needs_at_most)
        return wanted.approvals >= quorum and not wanted.reversibility and asks == (None, None, None)
    limits = (
        (change.touched, wanted.touches_at_most),
        (change.removed, wanted.removes_at_most),
        (change.needs, wanted.needs_at_most),
    )
    within = all(limit is None or count <= limit for count, limit in limits)
    return within and (not wanted.reversibility or change.reversibility in wanted.reversibility)
