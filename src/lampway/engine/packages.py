"""Is every package there and whole? What is not comes back from the second copy, where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain.events import Actor
from lampway.domain.kept import NAMING, kept
from lampway.engine.context import Engine, Request
from lampway.engine.ports import PackageStore
from lampway.errors import StorageError, UsageError

WHOLE, MISSING, DAMAGED = "whole", "missing", "damaged"


@dataclass(frozen=True, slots=True)
class PackageFault:
    """Something in the package store that is not as it was kept."""

    digest: str
    what: str
    """Such as `package of orders@1.0.0`."""
    first: str
    """`whole`, `missing` or `damaged`, in the store that is worked with."""
    second: str
    """The same in the second copy; empty where there is none."""


@dataclass(frozen=True, slots=True)
class PackagesView:
    """How the packages are."""

    checked: int
    faults: tuple[PackageFault, ...]
    has_second: bool


@dataclass(frozen=True, slots=True)
class VerifyPackages(Request[PackagesView]):
    """Read everything that the ledger says is kept, in both copies."""


@dataclass(frozen=True, slots=True)
class PackagesRepaired:
    """What repairing came to."""

    repaired: tuple[PackageFault, ...]
    lost: tuple[PackageFault, ...]
    """Neither copy is whole."""
    aside: tuple[str, ...]
    """Where damaged bytes lie now."""


@dataclass(frozen=True, slots=True)
class RepairPackages(Request[PackagesRepaired]):
    """Bring back what is missing or damaged in one copy from the other."""


def verify_packages(engine: Engine, request: VerifyPackages, actor: Actor) -> PackagesView:
    """Read and verify every package, in both copies. Changes nothing. Raises StorageError when a store is away."""
    del request, actor
    wanted = kept(engine.store.events(kinds=NAMING))
    faults = tuple(_faults(engine, wanted))
    return PackagesView(len(wanted), faults, engine.second_copy is not None)


def repair_packages(engine: Engine, request: RepairPackages, actor: Actor) -> PackagesRepaired:
    """Bring back what one copy has lost from the other; damaged bytes are set aside as evidence, never thrown away.

    Raises UsageError where there is no second copy, StorageError.
    """
    del request, actor
    second = engine.second_copy
    if second is None:
        hint = "name one with LAMPWAY_PACKAGES_COPY, or bring packages back from a backup"
        raise UsageError("there is no second copy to repair from", hint=hint)
    repaired, lost, aside = [], [], []
    for fault in _faults(engine, kept(engine.store.events(kinds=NAMING))):
        if fault.first == WHOLE:
            source, target, state = engine.packages, second, fault.second
        else:
            source, target, state = second, engine.packages, fault.first
        if WHOLE not in (fault.first, fault.second):
            lost.append(fault)
            continue
        data = source.get(fault.digest)
        if state == DAMAGED:
            aside.append(target.set_aside(fault.digest))
        target.put(data)
        repaired.append(fault)
    return PackagesRepaired(tuple(repaired), tuple(lost), tuple(aside))


def _faults(engine: Engine, wanted: dict[str, str]) -> Iterator[PackageFault]:
    for digest, what in wanted.items():
        first = _state(engine.packages, digest)
        second = _state(engine.second_copy, digest) if engine.second_copy else ""
        if first != WHOLE or second not in ("", WHOLE):
            yield PackageFault(digest, what, first, second)


def _state(packages: PackageStore, digest: str) -> str:
    """Return how one package is. Raises StorageError when the store cannot even be asked."""
    if not packages.has(digest):
        return MISSING
    try:
        packages.get(digest)
    except StorageError:
        return DAMAGED
    return WHOLE
