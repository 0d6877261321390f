"""What every platform must prove that declares `picture` or `blank`; part of the contract suite."""

# ruff: noqa: S101 - a contract suite is made of assertions
from __future__ import annotations

from lampway.domain.capability import Ability, Support
from lampway.engine.abilities import Blankable, Blanked, Drawable
from lampway.engine.platform import Platform


class FormatContract:
    """What drawing packages and taking values out of them must keep."""

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


def has(platform: Platform, ability: Ability) -> bool:
    """Return whether an ability is declared."""
    declared = {capability.name: capability.support for capability in platform.capabilities()}
    return declared.get(ability) in {Support.FULL, Support.PARTIAL}
