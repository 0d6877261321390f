"""What deploying to a platform must keep; part of the contract suite."""

# ruff: noqa: S101, PLR0917 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from lampway.domain.capability import Ability, Support
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Inventory, Scope
from lampway.engine.platform import Platform
from lampway.errors import LampwayError
from lampway.testing.looks import export_of, has, need, observe_one, others_in
from lampway.testing.sample import Apply, Lacking, Outside, Sample


class DeployingContract:
    """What bringing, bringing anew, going back and removing must keep."""

    def test_a_deployment_brings_exactly_what_was_exported(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """The same bytes, the same ids, the same fingerprint, in an environment where nothing was."""
        need(platform, Ability.DEPLOY)
        apply(sample.wanted(first))
        assert observe_one(platform, prod, sample, first).is_clean
        need(platform, Ability.EXPORT, Support.FULL)
        ours, theirs = (platform.format.inspect(p).inventory for p in (first, export_of(platform, prod, sample)))
        assert theirs.fingerprint == ours.fingerprint
        assert {(c.type, c.id, c.parent) for c in theirs.components} == {
            (c.type, c.id, c.parent) for c in ours.components
        }

    def test_the_plan_is_what_is_performed(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Every planned step can be taken, in order, and none is missing; no other step is known."""
        need(platform, Ability.DEPLOY)
        plan = platform.plan(prod.access, sample.wanted(first))
        assert plan.steps
        assert len({step.name for step in plan.steps}) == len(plan.steps)
        assert all(step.summary for step in plan.steps)
        assert apply(sample.wanted(first)) == [step.name for step in plan.steps]
        assert observe_one(platform, prod, sample, first).is_clean
        with pytest.raises(LampwayError):
            platform.intend(prod.access, sample.wanted(first), "no such step")
        with pytest.raises(LampwayError):
            platform.perform(prod.access, sample.wanted(first), "no such step", {})

    def test_applying_twice_equals_applying_once(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """The same release once more is no other state."""
        need(platform, Ability.DEPLOY)
        apply(sample.wanted(first))
        once = (prod.contents(), prod.stored())
        apply(sample.wanted(first, first))
        assert (prod.contents(), prod.stored()) == once

    def test_a_new_version_takes_the_place_of_the_old_one(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Nothing of the old one stays behind."""
        need(platform, Ability.DEPLOY)
        apply(sample.wanted(first))
        apply(sample.wanted(second, first))
        assert observe_one(platform, prod, sample, second).is_clean
        assert not observe_one(platform, prod, sample, first).definition.is_empty

    def test_going_back_restores_what_was_there(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Definition, values and stored secrets."""
        need(platform, Ability.ROLLBACK)
        apply(sample.wanted(first))
        before = (prod.contents(), prod.stored())
        apply(sample.wanted(second, first))
        apply(sample.wanted(first, second))
        assert (prod.contents(), prod.stored()) == before

    def test_other_solutions_stay_untouched(
        self,
        platform: Platform,
        prod: Outside,
        sample: Sample,
        first: bytes,
        second: bytes,
        apply: Apply,
        beside: Mapping[str, Inventory],
    ) -> None:
        """Content and secrets, through deployment, upgrade, way back and removal."""
        need(platform, Ability.DEPLOY)
        before = others_in(prod, sample)
        apply(sample.wanted(first, None, beside))
        apply(sample.wanted(second, first, beside))
        apply(sample.wanted(first, second, beside))
        assert others_in(prod, sample) == before
        if has(platform, Ability.REMOVE):
            apply(sample.wanted(None, first, beside))
            assert others_in(prod, sample) == before

    def test_removal_removes_ours_and_can_be_repeated(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """What was never ours is not in its way, and what is gone already is no fault."""
        need(platform, Ability.REMOVE)
        apply(sample.wanted(first))
        apply(sample.wanted(None, first))
        assert not set(sample.scope.contains) & prod.contents().keys()
        after = prod.contents()
        apply(sample.wanted(None, first))
        assert prod.contents() == after

    def test_what_no_release_put_there_is_not_overwritten(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes
    ) -> None:
        """A solution that somebody built there by hand is a problem of the plan: it must be adopted first."""
        need(platform, Ability.DEPLOY)
        prod.build(2)
        assert platform.plan(prod.access, sample.wanted(first)).problems

    def test_what_is_missing_is_named_before_anything_changes(
        self, platform: Platform, prod: Outside, lacking: Lacking
    ) -> None:
        """A dependency that is not there is a problem of the plan, not a failure half way."""
        before = (prod.contents(), prod.stored())
        inventory = platform.format.inspect(lacking.package).inventory
        assert lacking.name in [dependency.name for dependency in inventory.dependencies]
        wanted = replace(
            Sample(Scope(inventory.solution)).wanted(lacking.package), configuration=ConfigurationSet(), secrets={}
        )
        problems = platform.plan(prod.access, wanted).problems
        assert any(lacking.name in problem.summary for problem in problems)
        assert (prod.contents(), prod.stored()) == before
