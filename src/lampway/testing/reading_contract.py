"""What looking at a platform must keep; part of the contract suite."""

# ruff: noqa: S101, PLR0917 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from dataclasses import replace

import pytest

from lampway.domain.capability import Ability, Support
from lampway.engine.abilities import Labelled, Lockable, LockSettable
from lampway.engine.platform import Platform
from lampway.errors import NotFoundError, RefusedError
from lampway.testing.looks import export_of, has, record_of
from lampway.testing.sample import Apply, Outside, Sample


class ReadingContract:
    """What exporting and observing must keep."""

    def test_looking_changes_nothing(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Probing, exporting, observing, planning, intending and looking up leave everything as it was."""
        apply(sample.wanted(first))
        before = (prod.contents(), prod.stored())
        wanted, installed = sample.wanted(second, first), {sample.scope.solution: record_of(sample, first)}
        revision = platform.observe(prod.access, installed).revision
        platform.probe(prod.access)
        if has(platform, Ability.EXPORT, Support.FULL):
            export_of(platform, prod, sample)
        for step in platform.plan(prod.access, wanted).steps:
            intent = platform.intend(prod.access, wanted, step.name)
            platform.look_up(prod.access, wanted, step.name, intent)
        if isinstance(platform, Lockable):
            platform.observe_lock(prod.access, None)
        if isinstance(platform, LockSettable):
            platform.lock_objection(prod.access)
        if isinstance(platform, Labelled):
            platform.read_label(prod.access)
        assert platform.observe(prod.access, installed).revision == revision
        assert (prod.contents(), prod.stored()) == before

    def test_our_credentials_may_deploy(self, platform: Platform, prod: Outside) -> None:
        """The suite is run with the rights that the adapter asks for."""
        rights = platform.probe(prod.access)
        assert (rights.can_read, rights.can_deploy, rights.missing) == (True, True, ())
        assert rights.product

    def test_a_scope_that_matches_nothing_is_not_found(self, platform: Platform, dev: Outside, sample: Sample) -> None:
        """An empty package is never made by mistake."""
        dev.build(1)
        scope = replace(sample.scope, contains=("no such thing",))
        with pytest.raises(NotFoundError):
            platform.export(dev.access, scope, {sample.scope.solution: scope})

    def test_two_solutions_cannot_own_the_same_thing(self, platform: Platform, dev: Outside, sample: Sample) -> None:
        """Two owners would overwrite each other's releases."""
        dev.build(1)
        thief = replace(sample.scope, solution="thief")
        with pytest.raises(RefusedError):
            platform.export(dev.access, sample.scope, {sample.scope.solution: sample.scope, "thief": thief})

    def test_what_is_in_no_solution_is_named(
        self, platform: Platform, dev: Outside, sample: Sample, neighbour: Sample
    ) -> None:
        """Both when exporting and when observing."""
        dev.build(1)
        export = platform.export(dev.access, sample.scope, {sample.scope.solution: sample.scope})
        assert set(neighbour.scope.contains) <= {component.name for component in export.unowned}
        seen = platform.observe(dev.access, {sample.scope.solution: record_of(sample, export.package)})
        assert set(neighbour.scope.contains) <= {component.name for component in seen.unowned}
        assert not set(sample.scope.contains) & {component.name for component in seen.unowned}

    def test_editors_are_told_only_where_that_is_declared(
        self, platform: Platform, dev: Outside, sample: Sample
    ) -> None:
        """None means unknown, and then everybody who may edit counts as a maker."""
        dev.build(1)
        export = platform.export(dev.access, sample.scope, {sample.scope.solution: sample.scope})
        assert bool(export.editors) is has(platform, Ability.EDITORS)
