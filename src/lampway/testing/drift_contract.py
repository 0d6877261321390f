"""What every platform must prove about live edits; part of the contract suite."""

# ruff: noqa: S101, PLR0917 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from collections.abc import Mapping

import pytest

from lampway.domain.capability import Ability
from lampway.domain.package import Inventory
from lampway.engine.platform import Platform
from lampway.testing.looks import need, observe_one
from lampway.testing.sample import Apply, Outside, Sample


class DriftContract:
    """What observing must tell, and what it must not."""

    def test_a_live_edit_is_drift_and_named(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """With the component that somebody edited; going back over it clears it."""
        need(platform, Ability.OBSERVE)
        apply(sample.wanted(first))
        name = prod.edit()
        seen = observe_one(platform, prod, sample, first)
        assert [change.component.name for change in seen.definition.changed] == [name]
        assert name in " ".join(seen.definition.summaries())
        assert not seen.configuration
        apply(sample.wanted(first, first))
        assert observe_one(platform, prod, sample, first).is_clean

    def test_somebody_elses_edit_is_no_drift_of_ours(
        self,
        platform: Platform,
        prod: Outside,
        sample: Sample,
        first: bytes,
        apply: Apply,
        beside: Mapping[str, Inventory],
    ) -> None:
        """Only who was edited is blocked."""
        need(platform, Ability.OBSERVE)
        apply(sample.wanted(first, None, beside))
        prod.edit_elsewhere()
        assert observe_one(platform, prod, sample, first).is_clean

    def test_a_move_on_the_canvas_is_no_drift(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """It does the same as before."""
        need(platform, Ability.OBSERVE)
        apply(sample.wanted(first))
        if not prod.move():
            pytest.skip(f"{platform.name} has no canvas")
        assert observe_one(platform, prod, sample, first).is_clean

    def test_a_changed_value_is_configuration_drift(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Named by its variable, and not mistaken for an edit of the definition."""
        need(platform, Ability.CONFIGURE)
        apply(sample.wanted(first))
        name = prod.change_value()
        seen = observe_one(platform, prod, sample, first)
        assert seen.definition.is_empty
        assert any(name in f"{edit.path} {edit.summary}" for edit in seen.configuration)
