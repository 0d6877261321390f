"""What every platform must prove. An adapter's tests subclass `PlatformContract` and give it fixtures.

    class TestMyProduct(PlatformContract):
        @pytest.fixture
        def platform(self): ...

The suite chooses its tests by the capabilities that the platform declares; a skip names the capability. It sets up
and looks behind the adapter's back, through `Outside`, and never takes the adapter's word for what happened.
"""

# ruff: noqa: S101, PLR0917 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from lampway.domain.capability import Ability, Support
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Inventory, Scope
from lampway.engine.abilities import (
    Disposable,
    ExecutionCounting,
    Labelled,
    Launchable,
    Lockable,
    LockSettable,
    SmokeRunnable,
    Switchable,
    UsageTelling,
)
from lampway.engine.bringing import Gathering, Matching, Surveying
from lampway.engine.platform import Access, Found, Installed, Observed, Platform
from lampway.errors import (
    AccessError,
    ConflictError,
    InvalidPackageError,
    LampwayError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from lampway.testing.format_contract import FormatContract
from lampway.testing.lock_contract import LockContract
from lampway.testing.sample import Apply, Lacking, Outside, Sample, Strangers
from lampway.testing.switch_contract import SwitchContract

PORT_VERSION = 3
"""Of the platform port that this suite proves. It grows when an adapter must do something it did not have to."""


class PlatformContract(SwitchContract, LockContract, FormatContract):
    """What every platform must prove."""

    # Fixtures that must be overridden.

    @pytest.fixture
    def platform(self) -> Platform:
        """Return the adapter."""
        raise NotImplementedError

    @pytest.fixture
    def dev(self) -> Outside:
        """Return a place where makers build."""
        raise NotImplementedError

    @pytest.fixture
    def prod(self) -> Outside:
        """Return an empty place to deploy to."""
        raise NotImplementedError

    @pytest.fixture
    def sample(self) -> Sample:
        """Return a solution that asks for at least one value and, where there are secrets, one secret."""
        raise NotImplementedError

    @pytest.fixture
    def neighbour(self) -> Sample:
        """Return another solution that lives in the same places."""
        raise NotImplementedError

    @pytest.fixture
    def lacking(self) -> Lacking:
        """Return a package that needs something production does not have."""
        raise NotImplementedError

    @pytest.fixture
    def strangers(self) -> Strangers:
        """Return ways in that lead nowhere."""
        raise NotImplementedError

    # Fixtures that may be overridden.

    @pytest.fixture
    def pause(self) -> Callable[[float], None]:
        """Return what waits between two polls."""
        return time.sleep

    @pytest.fixture
    def saves(self) -> Callable[[], bool]:
        """Return what tries to save as a maker in production, past the adapter, and tells whether it was let through.

        Where the lock can be set, it must be overridden; its maker keeps one session from call to call.
        """
        raise NotImplementedError

    @pytest.fixture
    def first(self, platform: Platform, dev: Outside, sample: Sample) -> bytes:
        """Return the sample's package in version 1."""
        dev.build(1)
        return platform.format.stamp(_export(platform, dev, sample), "1.0.0")

    @pytest.fixture
    def second(self, platform: Platform, dev: Outside, sample: Sample) -> bytes:
        """Return the sample's package in version 2."""
        dev.build(2)
        return platform.format.stamp(_export(platform, dev, sample), "2.0.0")

    @pytest.fixture
    def apply(self, platform: Platform, prod: Outside, pause: Callable[[float], None]) -> Apply:
        """Return what deploys to production as the engine does."""
        return Apply(platform, prod.access, pause)

    @pytest.fixture
    def beside(self, platform: Platform, dev: Outside, neighbour: Sample, apply: Apply) -> Mapping[str, Inventory]:
        """Put the neighbour into production, and return it as the engine tells of other solutions."""
        dev.build(1)
        package = platform.format.stamp(_export(platform, dev, neighbour), "1.0.0")
        apply(neighbour.wanted(package))
        return {neighbour.scope.solution: platform.format.inspect(package).inventory}

    # Capabilities.

    def test_every_ability_is_declared_exactly_once(self, platform: Platform) -> None:
        """What is not said is not known, and then a release cannot be planned."""
        names = [capability.name for capability in platform.capabilities()]
        assert sorted(names) == sorted(Ability)

    def test_partial_support_states_its_limit(self, platform: Platform) -> None:
        """Partial without a limit tells nobody anything."""
        assert [c.name for c in platform.capabilities() if c.support is Support.PARTIAL and not c.note] == []

    @pytest.mark.parametrize(
        ("ability", "protocol"),
        [
            (Ability.LOCK_OBSERVE, Lockable),
            (Ability.LOCK_SET, LockSettable),
            (Ability.LABEL, Labelled),
            (Ability.LAUNCH, Launchable),
            (Ability.SMOKE_RUN, SmokeRunnable),
            (Ability.EXECUTIONS, ExecutionCounting),
            (Ability.SWITCH, Switchable),
            (Ability.USAGE, UsageTelling),
            (Ability.SANDBOX, Disposable),
            (Ability.GATHER, Gathering),
            (Ability.MATCH, Matching),
            (Ability.SURVEY, Surveying),
        ],
    )
    def test_optional_methods_are_there_only_where_declared(
        self, platform: Platform, ability: Ability, protocol: type
    ) -> None:
        """An undeclared ability cannot be called by accident."""
        assert isinstance(platform, protocol) is _has(platform, ability)

    # Packages.

    def test_unpacking_and_packing_gives_the_same_bytes(self, platform: Platform, first: bytes, second: bytes) -> None:
        """So that what is reviewed in git is what is deployed."""
        for package in (first, second):
            packed = platform.format.pack(platform.format.unpack(package))
            if _has(platform, Ability.EXPORT, Support.FULL):
                assert packed == package
            assert platform.format.inspect(packed).inventory == platform.format.inspect(package).inventory

    def test_the_same_thing_exported_twice_is_the_same_package(
        self, platform: Platform, dev: Outside, sample: Sample
    ) -> None:
        """So that nothing changed means no new release."""
        dev.build(1)
        packages = [_export(platform, dev, sample) for _ in range(2)]
        if _has(platform, Ability.EXPORT, Support.FULL):
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

    # Reading.

    def test_looking_changes_nothing(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Probing, exporting, observing, planning, intending and looking up leave everything as it was."""
        apply(sample.wanted(first))
        before = (prod.contents(), prod.stored())
        wanted, installed = sample.wanted(second, first), {sample.scope.solution: _record(sample, first)}
        revision = platform.observe(prod.access, installed).revision
        platform.probe(prod.access)
        if _has(platform, Ability.EXPORT, Support.FULL):
            _export(platform, prod, sample)
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
        seen = platform.observe(dev.access, {sample.scope.solution: _record(sample, export.package)})
        assert set(neighbour.scope.contains) <= {component.name for component in seen.unowned}
        assert not set(sample.scope.contains) & {component.name for component in seen.unowned}

    def test_editors_are_told_only_where_that_is_declared(
        self, platform: Platform, dev: Outside, sample: Sample
    ) -> None:
        """None means unknown, and then everybody who may edit counts as a maker."""
        dev.build(1)
        export = platform.export(dev.access, sample.scope, {sample.scope.solution: sample.scope})
        assert bool(export.editors) is _has(platform, Ability.EDITORS)

    # Deploying.

    def test_a_deployment_brings_exactly_what_was_exported(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """The same bytes, the same ids, the same fingerprint, in an environment where nothing was."""
        _need(platform, Ability.DEPLOY)
        apply(sample.wanted(first))
        assert _observe(platform, prod, sample, first).is_clean
        _need(platform, Ability.EXPORT, Support.FULL)
        ours, theirs = (platform.format.inspect(p).inventory for p in (first, _export(platform, prod, sample)))
        assert theirs.fingerprint == ours.fingerprint
        assert {(c.type, c.id, c.parent) for c in theirs.components} == {
            (c.type, c.id, c.parent) for c in ours.components
        }

    def test_the_plan_is_what_is_performed(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Every planned step can be taken, in order, and none is missing; no other step is known."""
        _need(platform, Ability.DEPLOY)
        plan = platform.plan(prod.access, sample.wanted(first))
        assert plan.steps
        assert len({step.name for step in plan.steps}) == len(plan.steps)
        assert all(step.summary for step in plan.steps)
        assert apply(sample.wanted(first)) == [step.name for step in plan.steps]
        assert _observe(platform, prod, sample, first).is_clean
        with pytest.raises(LampwayError):
            platform.intend(prod.access, sample.wanted(first), "no such step")
        with pytest.raises(LampwayError):
            platform.perform(prod.access, sample.wanted(first), "no such step", {})

    def test_applying_twice_equals_applying_once(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """The same release once more is no other state."""
        _need(platform, Ability.DEPLOY)
        apply(sample.wanted(first))
        once = (prod.contents(), prod.stored())
        apply(sample.wanted(first, first))
        assert (prod.contents(), prod.stored()) == once

    def test_a_new_version_takes_the_place_of_the_old_one(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Nothing of the old one stays behind."""
        _need(platform, Ability.DEPLOY)
        apply(sample.wanted(first))
        apply(sample.wanted(second, first))
        assert _observe(platform, prod, sample, second).is_clean
        assert not _observe(platform, prod, sample, first).definition.is_empty

    def test_going_back_restores_what_was_there(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Definition, values and stored secrets."""
        _need(platform, Ability.ROLLBACK)
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
        _need(platform, Ability.DEPLOY)
        before = _others(prod, sample)
        apply(sample.wanted(first, None, beside))
        apply(sample.wanted(second, first, beside))
        apply(sample.wanted(first, second, beside))
        assert _others(prod, sample) == before
        if _has(platform, Ability.REMOVE):
            apply(sample.wanted(None, first, beside))
            assert _others(prod, sample) == before

    def test_removal_removes_ours_and_can_be_repeated(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """What was never ours is not in its way, and what is gone already is no fault."""
        _need(platform, Ability.REMOVE)
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
        _need(platform, Ability.DEPLOY)
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

    # Interruptions and other people.

    def test_an_interrupted_step_can_be_found_and_repeated(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Before: untouched. After: reached, and to take the step once more changes nothing."""
        _need(platform, Ability.RECOVERY)
        wanted = sample.wanted(first)
        for step in platform.plan(prod.access, wanted).steps:
            intent = platform.intend(prod.access, wanted, step.name)
            assert platform.look_up(prod.access, wanted, step.name, intent) is Found.UNTOUCHED
            apply.perform(wanted, step.name, intent)
            assert platform.look_up(prod.access, wanted, step.name, intent) is Found.REACHED
            once = (prod.contents(), prod.stored())
            apply.perform(wanted, step.name, intent)
            assert platform.look_up(prod.access, wanted, step.name, intent) is Found.REACHED
            assert (prod.contents(), prod.stored()) == once

    def test_what_is_neither_before_nor_after_is_unclear(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """The adapter does not guess; a person will say."""
        _need(platform, Ability.RECOVERY)
        apply(sample.wanted(first))
        wanted = sample.wanted(second, first)
        step = platform.plan(prod.access, wanted).steps[0].name
        intent = platform.intend(prod.access, wanted, step)
        prod.edit()
        assert platform.look_up(prod.access, wanted, step, intent) is Found.UNCLEAR

    def test_what_others_do_does_not_blur_what_happened_to_ours(
        self,
        platform: Platform,
        prod: Outside,
        sample: Sample,
        first: bytes,
        apply: Apply,
        beside: Mapping[str, Inventory],
    ) -> None:
        """A busy environment still tells whether our step happened."""
        _need(platform, Ability.RECOVERY)
        wanted = sample.wanted(first, None, beside)
        step = platform.plan(prod.access, wanted).steps[0].name
        intent = platform.intend(prod.access, wanted, step)
        prod.edit_elsewhere()
        assert platform.look_up(prod.access, wanted, step, intent) is Found.UNTOUCHED
        fresh = platform.intend(prod.access, wanted, step)
        apply.perform(wanted, step, fresh)
        assert platform.look_up(prod.access, wanted, step, fresh) is Found.REACHED

    def test_an_edit_between_look_and_change_is_a_conflict(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """And nothing is overwritten."""
        _need(platform, Ability.PRECONDITION, Support.FULL)
        apply(sample.wanted(first))
        wanted = sample.wanted(second, first)
        step = platform.plan(prod.access, wanted).steps[0].name
        intent = platform.intend(prod.access, wanted, step)
        prod.edit()
        edited = prod.contents()
        with pytest.raises(ConflictError) as caught:
            platform.perform(prod.access, wanted, step, intent)
        assert caught.value.retryable
        assert prod.contents() == edited

    def test_an_edit_elsewhere_is_never_overwritten(
        self,
        platform: Platform,
        prod: Outside,
        sample: Sample,
        first: bytes,
        apply: Apply,
        beside: Mapping[str, Inventory],
    ) -> None:
        """Whether the platform calls it a conflict or lets both pass."""
        _need(platform, Ability.PRECONDITION, Support.FULL)
        wanted = sample.wanted(first, None, beside)
        step = platform.plan(prod.access, wanted).steps[0].name
        intent = platform.intend(prod.access, wanted, step)
        prod.edit_elsewhere()
        edited = _others(prod, sample)
        try:
            apply.perform(wanted, step, intent)
        except ConflictError:
            apply(wanted)
        assert _others(prod, sample) == edited

    # Drift.

    def test_a_live_edit_is_drift_and_named(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """With the component that somebody edited; going back over it clears it."""
        _need(platform, Ability.OBSERVE)
        apply(sample.wanted(first))
        name = prod.edit()
        seen = _observe(platform, prod, sample, first)
        assert [change.component.name for change in seen.definition.changed] == [name]
        assert name in " ".join(seen.definition.summaries())
        assert not seen.configuration
        apply(sample.wanted(first, first))
        assert _observe(platform, prod, sample, first).is_clean

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
        _need(platform, Ability.OBSERVE)
        apply(sample.wanted(first, None, beside))
        prod.edit_elsewhere()
        assert _observe(platform, prod, sample, first).is_clean

    def test_a_move_on_the_canvas_is_no_drift(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """It does the same as before."""
        _need(platform, Ability.OBSERVE)
        apply(sample.wanted(first))
        if not prod.move():
            pytest.skip(f"{platform.name} has no canvas")
        assert _observe(platform, prod, sample, first).is_clean

    def test_a_changed_value_is_configuration_drift(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Named by its variable, and not mistaken for an edit of the definition."""
        _need(platform, Ability.CONFIGURE)
        apply(sample.wanted(first))
        name = prod.change_value()
        seen = _observe(platform, prod, sample, first)
        assert seen.definition.is_empty
        assert any(name in f"{edit.path} {edit.summary}" for edit in seen.configuration)

    # Values and secrets.

    def test_values_and_secrets_of_dev_never_leave_dev(
        self, platform: Platform, dev: Outside, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Neither in the package, nor in its source, nor in another environment."""
        assert dev.private
        inspection = platform.format.inspect(first)
        told = [first, *platform.format.unpack(first).values(), repr(inspection).encode()]
        apply(sample.wanted(first))
        told += [repr((prod.contents(), prod.stored())).encode()]
        assert [word for word in dev.private for text in told if word.encode() in text] == []

    def test_an_environment_gets_its_own_values(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """The same package with other values is another environment, not another release."""
        _need(platform, Ability.CONFIGURE)
        apply(sample.wanted(first))
        there = repr(prod.contents())
        assert [value for value in sample.variables.values() if str(value) not in there] == []

    def test_an_export_tells_values_apart_from_the_package(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """So that what runs can be adopted with the values that it runs with, and with the names of its secrets."""
        _need(platform, Ability.EXPORT, Support.FULL)
        apply(sample.wanted(first))
        export = platform.export(prod.access, sample.scope, {sample.scope.solution: sample.scope})
        assert dict(export.values) == dict(sample.variables)
        if _has(platform, Ability.SECRETS):
            assert {n: set(f) for n, f in export.bound.items()} == {n: set(f) for n, f in sample.secrets.items()}

    def test_secrets_are_sent_with_every_deployment(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Also on the way back, and after a removal: platforms forget."""
        _need(platform, Ability.SECRETS)
        apply(sample.wanted(first))
        stored = prod.stored()
        assert stored
        prod.forget_secret()
        assert prod.stored() != stored
        apply(sample.wanted(second, first))
        prod.forget_secret()
        apply(sample.wanted(first, second))
        assert prod.stored() == stored
        if _has(platform, Ability.REMOVE):
            apply(sample.wanted(None, first))
            apply(sample.wanted(first))
            assert prod.stored() == stored

    def test_a_secret_that_is_gone_is_configuration_drift(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Its value is never compared."""
        _need(platform, Ability.SECRETS)
        apply(sample.wanted(first))
        prod.forget_secret()
        seen = _observe(platform, prod, sample, first)
        assert seen.configuration
        assert seen.definition.is_empty

    def test_a_secret_appears_in_nothing_that_is_told(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Not in plans, intents, outcomes, observations, exports or rights."""
        apply(sample.wanted(first))
        prod.change_value()
        prod.edit()
        told: list[object] = list(_everything_told(platform, prod, sample, first, second))
        apply(sample.wanted(second, first))
        told += [apply.told, *_everything_told(platform, prod, sample, first, second)]
        assert _leaks(told, prod.access, sample) == []

    # The platform's own run.

    def test_a_smoke_run_tries_what_is_installed_and_changes_nothing(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """It passes on what was deployed whole, and says so in words."""
        _need(platform, Ability.SMOKE_RUN)
        assert isinstance(platform, SmokeRunnable)
        apply(sample.wanted(first))
        before = prod.contents()
        told = platform.smoke_run(prod.access, _record(sample, first), 30.0)
        assert told.passed
        assert told.summary
        assert prod.contents() == before
        assert _leaks([told], prod.access, sample) == []

    def test_a_smoke_run_fails_on_what_lost_its_secrets(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """A run that always passes proves nothing."""
        _need(platform, Ability.SMOKE_RUN)
        assert isinstance(platform, SmokeRunnable)
        apply(sample.wanted(first))
        prod.forget_secret()
        told = platform.smoke_run(prod.access, _record(sample, first), 30.0)
        assert not told.passed
        assert told.summary

    def test_counting_executions_changes_nothing(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """What was just deployed ran at most a little, and no more of it failed than ran."""
        _need(platform, Ability.EXECUTIONS)
        assert isinstance(platform, ExecutionCounting)
        apply(sample.wanted(first))
        before = prod.contents()
        told = platform.count_executions(prod.access, _record(sample, first), "2000-01-01T00:00:00.000+00:00")
        assert 0 <= told.failed <= told.total
        assert prod.contents() == before

    # Errors.

    def test_nobody_there_is_unreachable(
        self, platform: Platform, prod: Outside, strangers: Strangers, sample: Sample, first: bytes
    ) -> None:
        """In our words, worth trying again, with no secret in them, and never taken for a changed environment."""
        for error in _refusals(platform, prod, strangers.unreachable, sample, first):
            assert isinstance(error, UnreachableError)
            assert error.retryable
            assert _leaks([_text(error)], strangers.unreachable, sample) == []

    def test_wrong_credentials_are_told_as_such(
        self, platform: Platform, prod: Outside, strangers: Strangers, sample: Sample, first: bytes
    ) -> None:
        """Not worth trying again, and nothing was changed."""
        before = prod.contents()
        for error in _refusals(platform, prod, strangers.wrong, sample, first):
            assert isinstance(error, AccessError)
            assert not error.retryable
            assert _leaks([_text(error)], strangers.wrong, sample) == []
        assert prod.contents() == before


def _has(platform: Platform, ability: Ability, least: Support = Support.PARTIAL) -> bool:
    """Return whether an ability is declared. To export fully is to export what was deployed, too, byte for byte."""
    declared = {capability.name: capability.support for capability in platform.capabilities()}
    return declared.get(ability) in {Support.FULL, least}


def _need(platform: Platform, ability: Ability, least: Support = Support.PARTIAL) -> None:
    """Skip the test where the platform does not declare the ability."""
    declared = {capability.name: capability.support for capability in platform.capabilities()}
    if declared.get(ability) not in {Support.FULL, least}:
        pytest.skip(f"{platform.name} does not declare {ability}: {declared.get(ability)}")


def _export(platform: Platform, place: Outside, sample: Sample) -> bytes:
    return platform.export(place.access, sample.scope, {sample.scope.solution: sample.scope}).package


def _record(sample: Sample, package: bytes) -> Installed:
    return Installed(package, sample.configuration)


def _observe(platform: Platform, place: Outside, sample: Sample, package: bytes) -> Observed:
    observation = platform.observe(place.access, {sample.scope.solution: _record(sample, package)})
    return observation.solutions[sample.scope.solution]


def _others(place: Outside, sample: Sample) -> object:
    """Return what is there of everybody else."""
    ours = set(sample.scope.contains)
    return [
        {name: held for name, held in told.items() if name not in ours} for told in (place.contents(), place.stored())
    ]


def _everything_told(
    platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes
) -> Iterator[object]:
    wanted = sample.wanted(second, first)
    plan = platform.plan(prod.access, wanted)
    yield plan
    for step in plan.steps:
        yield platform.intend(prod.access, wanted, step.name)
    yield platform.probe(prod.access)
    yield platform.observe(prod.access, {sample.scope.solution: _record(sample, first)})
    if _has(platform, Ability.EXPORT, Support.FULL):
        yield platform.export(prod.access, sample.scope, {sample.scope.solution: sample.scope})


def _leaks(told: list[object], access: Access, sample: Sample) -> list[str]:
    """Return the names of the secrets that appear in what was told."""
    secrets = {f"credential {name}": secret.reveal() for name, secret in access.credentials.items()}
    secrets |= {f"{name} / {f}": value for name, fields in sample.secrets.items() for f, value in fields.items()}
    text = "".join(map(repr, told))
    return [name for name, value in secrets.items() if len(value) >= 4 and value in text]


def _text(error: LampwayError) -> str:
    """Return everything that anybody could print of an error."""
    shown = "".join(traceback.format_exception(error))
    return f"{error!r} {error} {error.where} {error.hint} {error.details} {error.__cause__!r} {shown}"


def _refusals(
    platform: Platform, prod: Outside, access: Access, sample: Sample, package: bytes
) -> Iterator[LampwayError]:
    """Yield what every method answers to somebody with this access."""
    wanted, known = sample.wanted(package), {sample.scope.solution: sample.scope}
    step = platform.plan(prod.access, wanted).steps[0].name
    intent = platform.intend(prod.access, wanted, step)
    calls: tuple[Callable[[], object], ...] = (
        lambda: platform.probe(access),
        lambda: platform.export(access, sample.scope, known),
        lambda: platform.observe(access, {sample.scope.solution: _record(sample, package)}),
        lambda: platform.plan(access, wanted),
        lambda: platform.intend(access, wanted, step),
        lambda: platform.perform(access, wanted, step, intent),
        lambda: platform.look_up(access, wanted, step, intent),
    )
    for call in calls:
        with pytest.raises(LampwayError) as caught:
            call()
        yield caught.value
