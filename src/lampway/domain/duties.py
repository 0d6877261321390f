"""Duties: what a strategy may ask of people at a stage, besides a plain approval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Required:
    """A role that must be among those who approve."""

    role: str
    count: int = 1
    """How many different people who hold it."""


@dataclass(frozen=True, slots=True)
class RiskClass:
    """Facts about a release, and how many approvals a release with these facts needs."""

    name: str
    approvals: int
    """0: none, on evidence alone."""
    criticality: tuple[str, ...] = ()
    """Of the solution; empty means any. Likewise below: what is not given is not asked."""
    reversibility: tuple[str, ...] = ()
    touches_at_most: int | None = None
    """Components added, removed and changed, together."""
    removes_at_most: int | None = None
    """Components removed."""
    needs_at_most: int | None = None
    """Variables and connections that were not asked for before."""
    data_class: tuple[str, ...] = ()
    """Of the solution."""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """Something to be answered before a release enters a stage."""

    item: str
    text: str
    by: str
    """evidence, maker, release-manager or approver."""
    gate: str = ""
    """For evidence: the gate of the same stage whose state is the answer."""
