"""The contract suite catches adapters that break a promise: each of these is the in-memory one with one fault in it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from memory_places import LACKING, NEIGHBOUR, SAMPLE, Maker, strangers_to

from lampway.domain.capability import Ability
from lampway.domain.package import Diff
from lampway.engine.platform import Found, Outcome, Progress
from lampway.errors import AccessError, PlatformError
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import read_package
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Apply
from lampway.testing.world import App


class SaysTooLittle(MemoryPlatform):
    def capabilities(self):
        return super().capabilities()[1:]


class ClaimsALaunch(MemoryPlatform):
    def capabilities(self):
        claimed = super().capabilities()[0].support
        return tuple(replace(c, support=claimed) if c.name is Ability.LAUNCH else c for c in super().capabilities())


class TakesValuesAlong(MemoryPlatform):
    def export(self, access, scope, known):
        export = super().export(access, scope, known)
        package = replace(read_package(export.package), constants=dict(export.values))
        return replace(export, package=package.to_bytes())


class TouchesWhatItLooksAt(MemoryPlatform):
    def observe(self, access, installed):
        self.world(access.url).revision += 1
        return super().observe(access, installed)


class OverwritesEdits(MemoryPlatform):
    def perform(self, access, wanted, step, intent):
        world = self.world(access.url)
        return super().perform(access, wanted, step, {**intent, "revision": world.revision})


class AlwaysSaysReached(MemoryPlatform):
    def look_up(self, access, wanted, step, intent):
        return Found.REACHED


class Guesses(MemoryPlatform):
    def look_up(self, access, wanted, step, intent):
        found = super().look_up(access, wanted, step, intent)
        return Found.UNTOUCHED if found is Found.UNCLEAR else found


class LetsAnythingIn(MemoryPlatform):
    def plan(self, access, wanted):
        return replace(super().plan(access, wanted), problems=())


class LeavesOutAStep(MemoryPlatform):
    def plan(self, access, wanted):
        plan = super().plan(access, wanted)
        return replace(plan, steps=plan.steps[:1])


class ForgetsSecrets(MemoryPlatform):
    def perform(self, access, wanted, step, intent):
        return super().perform(
            access, replace(wanted, secrets={} if wanted.installed else wanted.secrets), step, intent
        )


class TellsSecrets(MemoryPlatform):
    def perform(self, access, wanted, step, intent):
        super().perform(access, wanted, step, intent)
        return Outcome(Progress.DONE, {"sent": [s.reveal() for f in wanted.secrets.values() for s in f.values()]})


class IntendsSecrets(MemoryPlatform):
    def intend(self, access, wanted, step):
        secrets = [s.reveal() for f in wanted.secrets.values() for s in f.values()]
        return {**super().intend(access, wanted, step), "secrets": secrets}


class ShowsTheToken(MemoryPlatform):
    def _open(self, access, method):
        try:
            return super()._open(access, method)
        except AccessError as error:
            raise AccessError(f"not accepted: {access.credentials['token'].reveal()}") from error


class LetsErrorsThrough(MemoryPlatform):
    def _open(self, access, method):
        try:
            return super()._open(access, method)
        except PlatformError as error:
            raise ConnectionError(str(error)) from error


class RemovesEverything(MemoryPlatform):
    def perform(self, access, wanted, step, intent):
        outcome = super().perform(access, wanted, step, intent)
        if step == "remove":
            self.world(access.url).apps.clear()
        return outcome


class SeesNoDrift(MemoryPlatform):
    def observe(self, access, installed):
        seen = super().observe(access, installed)
        return replace(seen, solutions={n: replace(o, definition=Diff()) for n, o in seen.solutions.items()})


class SeesNoValues(MemoryPlatform):
    def observe(self, access, installed):
        seen = super().observe(access, installed)
        return replace(seen, solutions={n: replace(o, configuration=()) for n, o in seen.solutions.items()})


class AddsUpWhenRepeated(MemoryPlatform):
    def perform(self, access, wanted, step, intent):
        outcome = super().perform(access, wanted, step, intent)
        apps = self.world(access.url).apps
        apps[f"copy-{len(apps)}"] = App(f"copy-{len(apps)}", f"Orders ({len(apps)})")
        return outcome


class NewIds(MemoryPlatform):
    def perform(self, access, wanted, step, intent):
        outcome = super().perform(access, wanted, step, intent)
        for app in self.world(access.url).apps.values():
            app.parts = tuple(replace(part, id=f"new-{part.id}") for part in app.parts)
        return outcome


class SwitchesNothing(MemoryPlatform):
    def deactivate(self, access, installed):
        pass


class SwitchesEverybody(MemoryPlatform):
    def deactivate(self, access, installed):
        super().deactivate(access, installed)
        for app in self.world(access.url).apps.values():
            app.is_on = False


class TakesItAllOut(MemoryPlatform):
    def activate(self, access, installed):
        super().activate(access, installed)
        for app in self.world(access.url).apps.values():
            app.passwords.clear()


class TakesOffForDrift(MemoryPlatform):
    def observe(self, access, installed):
        return super().observe(access, {name: replace(one, is_on=True) for name, one in installed.items()})


Contract = PlatformContract
CAUGHT: list[tuple[type[MemoryPlatform], Callable[..., None]]] = [
    (SaysTooLittle, Contract.test_every_ability_is_declared_exactly_once),
    (TakesValuesAlong, Contract.test_values_and_secrets_of_dev_never_leave_dev),
    (TouchesWhatItLooksAt, Contract.test_looking_changes_nothing),
    (OverwritesEdits, Contract.test_an_edit_between_look_and_change_is_a_conflict),
    (AlwaysSaysReached, Contract.test_an_interrupted_step_can_be_found_and_repeated),
    (AlwaysSaysReached, Contract.test_what_is_neither_before_nor_after_is_unclear),
    (Guesses, Contract.test_what_is_neither_before_nor_after_is_unclear),
    (LetsAnythingIn, Contract.test_what_is_missing_is_named_before_anything_changes),
    (LetsAnythingIn, Contract.test_what_no_release_put_there_is_not_overwritten),
    (LeavesOutAStep, Contract.test_the_plan_is_what_is_performed),
    (ForgetsSecrets, Contract.test_secrets_are_sent_with_every_deployment),
    (TellsSecrets, Contract.test_a_secret_appears_in_nothing_that_is_told),
    (IntendsSecrets, Contract.test_a_secret_appears_in_nothing_that_is_told),
    (ShowsTheToken, Contract.test_wrong_credentials_are_told_as_such),
    (LetsErrorsThrough, Contract.test_nobody_there_is_unreachable),
    (LetsErrorsThrough, Contract.test_wrong_credentials_are_told_as_such),
    (RemovesEverything, Contract.test_other_solutions_stay_untouched),
    (SeesNoDrift, Contract.test_a_live_edit_is_drift_and_named),
    (SeesNoValues, Contract.test_a_changed_value_is_configuration_drift),
    (SeesNoValues, Contract.test_a_secret_that_is_gone_is_configuration_drift),
    (AddsUpWhenRepeated, Contract.test_applying_twice_equals_applying_once),
    (SwitchesNothing, Contract.test_what_is_switched_off_does_not_run_and_comes_back_as_it_was),
    (TakesItAllOut, Contract.test_what_is_switched_off_does_not_run_and_comes_back_as_it_was),
    (SwitchesEverybody, Contract.test_nothing_of_others_is_switched),
    (TakesOffForDrift, Contract.test_what_we_switched_off_is_no_drift_and_what_others_switch_is),
    (NewIds, Contract.test_a_deployment_brings_exactly_what_was_exported),
]


def run(platform: MemoryPlatform, test: Callable[..., None]) -> None:
    """Run one test of the suite with everything it asks for."""
    dev, prod = (Maker(platform.world(f"memory://{name}")) for name in ("dev", "prod"))

    def package(sample: Any, version: int) -> bytes:
        dev.build(version)
        exported = platform.export(dev.access, sample.scope, {sample.scope.solution: sample.scope}).package
        return platform.format.stamp(exported, f"{version}.0.0")

    apply = Apply(platform, prod.access, lambda seconds: None)
    given: dict[str, Any] = {"platform": platform, "dev": dev, "prod": prod, "apply": apply}
    given |= {"sample": SAMPLE, "neighbour": NEIGHBOUR, "lacking": LACKING, "strangers": strangers_to(prod)}
    given["switched"] = prod
    given |= {"first": package(SAMPLE, 1), "second": package(SAMPLE, 2)}
    wanted = list(inspect.signature(test).parameters)[1:]
    if "beside" in wanted:
        neighbour = package(NEIGHBOUR, 1)
        apply(NEIGHBOUR.wanted(neighbour))
        given["beside"] = {"billing": platform.format.inspect(neighbour).inventory}
    test(PlatformContract(), **{name: given[name] for name in wanted})


@pytest.mark.parametrize(("broken", "test"), CAUGHT, ids=lambda value: value.__name__)
def test_a_broken_promise_is_caught(broken: type[MemoryPlatform], test: Callable[..., None]) -> None:
    run(MemoryPlatform(), test)
    with pytest.raises((AssertionError, pytest.fail.Exception, PlatformError, ConnectionError)):
        run(broken(), test)


def test_a_claim_without_the_methods_is_caught() -> None:
    from lampway.engine.abilities import Launchable

    check = Contract.test_optional_methods_are_there_only_where_declared
    check(Contract(), MemoryPlatform(), Ability.LAUNCH, Launchable)
    with pytest.raises(AssertionError):
        check(Contract(), ClaimsALaunch(), Ability.LAUNCH, Launchable)
