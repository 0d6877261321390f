"""What the packages of every platform must keep, their pictures included; part of the contract suite."""

# ruff: noqa: S101 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from dataclasses import replace

import pytest

from lampway.domain.capability import Ability, Support
from lampway.engine.abilities import Blankable, Blanked, Drawable
from lampway.engine.platform import Platform
from lampway.errors import InvalidPackageError
from lampway.testing.looks import export_of, has
from lampway.testing.sample import Outside, Sample


class PackageContract:
    """What packing, stamping, telling apart, refusing, drawing and blanking must keep."""

    def test_unpacking_and_packing_gives_the_same_bytes(self, platform: Platform, first: bytes, second: bytes) -> None:
        """So that what is reviewed in git is what is deployed."""
        for package in (first, second):
            packed = platform.format.pack(platform.format.unpack(package))
            if has(platform, Ability.EXPORT, Support.FULL):
                assert packed == package
            assert platform.format.inspect(packed).inventory == platform.format.inspect(package).inventory

    def test_the_same_thing_exported_twice_is_the_same_package(
        self, platform: Platform, dev: Outside, sample: Sample
    ) -> None:
        """So that nothing changed means no new release."""
        dev.build(1)
        packages = [export_of(platform, dev, sample) for _ in range(2)]
        if has(platform, Ability.EXPORT, Support.FULL):
            assert packages[0] == packages[1]
        inventories = [platform.format.inspect(package).inventory for package in packages]
        assert inventories[0] == inventories[1]

    def test_a_version_is_stamped_and_nothing_else_changes(self, platform: Platform, first: bytes) -> None:
        """The fingerprint says what a package does; its version does nothing."""
        stamped = platform.format.stamp(first, "7.0.0")
        inventory, before = (platform.format.inspect(p).inventory for p in (stamped, first))
        assert inventory == replace(before, version="7.0.0")
        assert platform.format.stamp(stamped, before.version) == first
        assert platform.format.diff(first, stamped).is_empty

    def test_an_inventory_names_its_platform_solution_and_version(
        self, platform: Platform, first: bytes, sample: Sample
    ) -> None:
        """Whatever holds a package must be able to tell what it is."""
        inventory = platform.format.inspect(first).inventory
        told = (inventory.platform, inventory.solution, inventory.version)
        assert told == (platform.name, sample.scope.solution, "1.0.0")
        assert {v.name for v in inventory.variables} == set(sample.variables)
        assert {c.name: set(c.fields) for c in inventory.connections} == {n: set(f) for n, f in sample.secrets.items()}

    def test_a_difference_is_told_by_the_names_of_components(
        self, platform: Platform, first: bytes, second: bytes
    ) -> None:
        """Forward it changes something and adds something; backward it removes what was added."""
        forward, back = platform.format.diff(first, second), platform.format.diff(second, first)
        assert forward.changed
        assert forward.added
        assert all(line for line in forward.summaries())
        assert {c.id for c in back.removed} == {c.id for c in forward.added}
        assert platform.format.diff(first, first).is_empty

    @pytest.mark.parametrize("data", [b"", b"{}", b"null", b"PK\x03\x04", b"\x00\xff\xfe", b"plain text"])
    def test_what_is_no_package_is_refused_in_our_words(self, platform: Platform, data: bytes) -> None:
        """Nothing but InvalidPackageError ever comes out of bytes."""
        assert not platform.format.recognises(data)
        with pytest.raises(InvalidPackageError):
            platform.format.inspect(data)

    def test_a_package_that_was_cut_off_is_refused(self, platform: Platform, first: bytes) -> None:
        """Half a download is no package."""
        assert platform.format.recognises(first)
        with pytest.raises(InvalidPackageError):
            platform.format.inspect(first[: len(first) // 2])

    def test_a_picture_shows_what_is_in_the_package_and_nothing_else(
        self, platform: Platform, first: bytes, second: bytes
    ) -> None:
        """People approve by it: every wire has two ends, and every node is a component or a part of one."""
        form = platform.format
        assert isinstance(form, Drawable) is has(platform, Ability.PICTURE)
        if not isinstance(form, Drawable):
            return
        for package in (first, second):
            known = {c.id for c in platform.format.inspect(package).inventory.components}
            drawn = form.draw(package)
            assert drawn
            for graph in drawn:
                placed = [node.id for node in graph.nodes]
                assert sorted(set(placed)) == sorted(placed)
                assert graph.id in known
                assert {one for one in placed if not one.startswith(f"{graph.id}/")} <= known
                assert {end for edge in graph.edges for end in (edge.source, edge.target)} <= set(placed)

    def test_blanking_takes_values_and_nothing_else(self, platform: Platform, first: bytes) -> None:
        """Blanked twice is blanked once; what is in the package stays, and what it needs. `BlankContract` asks more."""
        form = platform.format
        assert isinstance(form, Blankable) is has(platform, Ability.BLANK)
        if isinstance(form, Blankable):
            blanked = form.blank(first)
            assert form.blank(blanked.package) == Blanked(blanked.package, ())
            before, after = (form.inspect(package).inventory for package in (first, blanked.package))
            assert [(c.type, c.id) for c in after.components] == [(c.type, c.id) for c in before.components]
            assert (after.variables, after.connections) == (before.variables, before.connections)
