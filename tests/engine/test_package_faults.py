"""A package that is missing or damaged is found, named, and brought back from the second copy."""

from __future__ import annotations

from typing import Any

import pytest
from team import MemoryPackages, Team

from lampway.engine.audit import Audit
from lampway.engine.packages import PackagesRepaired, PackagesView, RepairPackages, VerifyPackages
from lampway.errors import UsageError


@pytest.fixture
def twice(shipped: Team) -> Team:
    """Return a team that keeps every package twice."""
    shipped.second_copy = MemoryPackages()
    shipped.second_copy.kept = dict(shipped.packages.kept)
    shipped.engine = shipped.another()
    return shipped


def spoil(packages: MemoryPackages, digest: str, how: str) -> None:
    if how == "missing":
        del packages.kept[digest]
    else:
        packages.kept[digest] = packages.kept[digest][:-1] + b"!"


def test_whole_packages_are_whole_in_both_copies(twice: Team) -> None:
    view: PackagesView = twice.run(VerifyPackages())
    assert view == PackagesView(len(twice.packages.kept), (), has_second=True)
    assert view.checked >= 2


@pytest.mark.parametrize("which", ["packages", "second_copy"])
@pytest.mark.parametrize("how", ["missing", "damaged"])
def test_what_one_copy_lost_is_named_and_comes_back_from_the_other(twice: Team, which: str, how: str) -> None:
    packages: Any = getattr(twice, which)
    for digest in list(packages.kept):
        before = dict(packages.kept)
        spoil(packages, digest, how)
        (fault,) = twice.run(VerifyPackages()).faults
        states = (how, "whole") if which == "packages" else ("whole", how)
        assert (fault.digest, fault.first, fault.second) == (digest, *states)
        assert fault.what
        spoiled = packages.kept.get(digest)
        done: PackagesRepaired = twice.run(RepairPackages())
        assert [one.digest for one in done.repaired] == [digest]
        assert done.lost == ()
        aside = [packages.kept.pop(place) for place in done.aside]
        assert aside == ([spoiled] if how == "damaged" else []), "evidence stays"
        assert packages.kept == before
        assert twice.run(VerifyPackages()).faults == ()
    assert twice.run(Audit()).damage == ()


def test_what_both_copies_lost_is_told_and_the_rest_is_repaired(twice: Team) -> None:
    one, other, *_ = list(twice.packages.kept)
    assert twice.second_copy is not None
    spoil(twice.packages, one, "missing")
    spoil(twice.second_copy, one, "damaged")
    spoil(twice.packages, other, "missing")
    done: PackagesRepaired = twice.run(RepairPackages())
    assert [fault.digest for fault in done.repaired] == [other]
    assert [(f.digest, f.first, f.second) for f in done.lost] == [(one, "missing", "damaged")]
    assert twice.run(RepairPackages()).repaired == (), "nothing is repaired twice"


def test_without_a_second_copy_faults_are_named_and_repairing_says_what_is_needed(shipped: Team) -> None:
    digest = next(iter(shipped.packages.kept))
    spoil(shipped.packages, digest, "damaged")
    (fault,) = shipped.run(VerifyPackages()).faults
    assert (fault.digest, fault.first, fault.second) == (digest, "damaged", "")
    with pytest.raises(UsageError) as caught:
        shipped.run(RepairPackages())
    assert "LAMPWAY_PACKAGES_COPY" in caught.value.hint
