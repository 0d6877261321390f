"""Versions, what raises them, and what a release's digest covers."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.digest import digest
from lampway.domain.package import (
    Component,
    Connection,
    Dependency,
    Diff,
    Finding,
    Inventory,
    PackageReference,
    Severity,
    Variable,
    fingerprint_of,
)
from lampway.domain.release import BUMPS, Release, bump, parse_version, propose_bump, sealed_as
from lampway.domain.risk import ChangeFacts
from lampway.domain.transformation import Blank, Transformation, TransformationKind
from lampway.errors import UsageError

numbers = st.integers(0, 10**9 - 1)
EMPTY = Inventory("memory", "orders", "1.0.0", None, "", ())
TOP, PART = Component("app", "Orders", "a1", "f1"), Component("part", "Price", "p1", "f2", parent="a1")


@given(numbers, numbers, numbers)
def test_a_version_is_read_as_it_is_written(major: int, minor: int, patch: int) -> None:
    assert parse_version(f"{major}.{minor}.{patch}") == (major, minor, patch)


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-rc", "v1.2.3", " 1.2.3", "1.2.3\n", "1.-2.3", "9999999999.0.0"]
)
def test_anything_else_is_no_version(text: str) -> None:
    with pytest.raises(UsageError):
        parse_version(text)


@given(numbers, numbers, numbers, st.sampled_from(BUMPS))
def test_a_bump_always_gives_a_higher_version(major: int, minor: int, patch: int, part: str) -> None:
    version = f"{major}.{minor}.{patch}"
    if 10**9 - 1 not in {major, minor, patch}:
        assert parse_version(bump(version, part)) > parse_version(version)


def test_a_bump_raises_one_part_and_clears_those_below() -> None:
    assert [bump("1.2.3", part) for part in BUMPS] == ["1.2.4", "1.3.0", "2.0.0"]
    with pytest.raises(UsageError):
        bump("1.2.3", "sideways")


@pytest.mark.parametrize(
    ("carried", "sealed"),
    [("4.2.0.7", "4.2.0"), ("1.1", "1.1.0"), ("20260603.1", "20260603.1.0"), ("7", "7.0.0"), ("1.2.3", "1.2.3")],
)
def test_a_version_of_a_platform_is_sealed_as_one_that_the_next_release_is_above(carried: str, sealed: str) -> None:
    assert sealed_as(carried) == sealed
    above = [int(number) for number in bump(sealed, "patch").split(".")]
    assert above > [int(number) for number in carried.split(".")]


@pytest.mark.parametrize(
    ("diff", "new", "part"),
    [
        (Diff(), EMPTY, "patch"),
        (Diff(removed=(PART,)), EMPTY, "patch"),
        (Diff(added=(PART,)), EMPTY, "minor"),
        (Diff(removed=(TOP,)), EMPTY, "major"),
        (Diff(), replace(EMPTY, variables=(Variable("A", "string", True, False),)), "major"),
        (Diff(added=(PART,)), replace(EMPTY, variables=(Variable("A", "string", False, True),)), "minor"),
        (Diff(), replace(EMPTY, connections=(Connection("ERP", "account", ("password",)),)), "major"),
    ],
)
def test_what_an_environment_must_do_is_major_what_is_new_is_minor(diff: Diff, new: Inventory, part: str) -> None:
    assert propose_bump(diff, EMPTY, new) == part


def release() -> Release:
    package = PackageReference("sha256:" + "1" * 64, 10, "memory", "f")
    return Release("orders", "1.0.0", (package,), EMPTY, "c" * 40, ("mia", "max"), False, "mia", "2026-01-05T09:00:00Z")


CHANGES = {
    "solution": "billing",
    "version": "1.0.1",
    "packages": (PackageReference("sha256:" + "2" * 64, 10, "memory", "f"),),
    "inventory": replace(EMPTY, fingerprint="other"),
    "commit": "d" * 40,
    "makers": ("mia",),
    "editors_unknown": True,
    "findings": (Finding("r", Severity.GOVERNANCE, "p", "s", "f"),),
    "previous": "0.9.0",
    "change": ChangeFacts(1, 0, 2),
    "depends_on": (Dependency("solution", "billing", "1.0.0"),),
    "hotfix": "h1",
    "transformations": (Transformation(TransformationKind.BLANK_DEFAULTS, "sha256:1", "sha256:2", (Blank("p", "n"),)),),
}
UNBOUND = {"sealed_by", "sealed_at", "note"}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_matters_about_a_release_is_in_its_digest(name: str) -> None:
    assert replace(release(), **{name: CHANGES[name]}).digest != release().digest


def test_nothing_of_a_release_was_forgotten_here() -> None:
    assert {f.name for f in fields(Release)} == CHANGES.keys() | UNBOUND
    other = replace(release(), sealed_by="max", sealed_at="later", note="hello", makers=("max", "mia"))
    assert other.digest == release().digest


def test_a_release_sealed_before_its_change_and_its_needs_were_kept_has_the_digest_it_had() -> None:
    later = {"change", "depends_on", "hotfix", "transformations"}
    old = {f.name: getattr(release(), f.name) for f in fields(Release) if f.name not in UNBOUND | later}
    told = {f.name: getattr(EMPTY, f.name) for f in fields(Inventory) if f.name not in {"caseless", "shared"}}
    assert release().digest == digest({**old, "inventory": told, "makers": sorted(release().makers)})


@pytest.mark.parametrize("said", ["caseless", "shared"])
def test_how_a_platform_takes_names_is_in_the_digest_of_a_release_that_says_so(said: str) -> None:
    assert replace(release(), inventory=replace(EMPTY, **{said: True})).digest != release().digest


@given(st.permutations([TOP, PART, Component("part", "Round", "p2", "f3", parent="a1")]))
def test_a_fingerprint_does_not_depend_on_the_order_of_components(components: list[Component]) -> None:
    assert fingerprint_of(components) == fingerprint_of(sorted(components, key=lambda c: c.id))


@pytest.mark.parametrize("change", [{"fingerprint": "x"}, {"id": "x"}, {"parent": "x"}, {"type": "x"}])
def test_a_fingerprint_changes_with_what_a_component_does_and_where(change: dict[str, str]) -> None:
    assert fingerprint_of([replace(PART, **change)]) != fingerprint_of([PART])
