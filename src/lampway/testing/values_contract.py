"""What values and secrets must keep; part of the contract suite."""

# ruff: noqa: S101, PLR0917 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from lampway.domain.capability import Ability, Support
from lampway.engine.platform import Platform
from lampway.testing.looks import everything_told, has, leaks_in, need, observe_one
from lampway.testing.sample import Apply, Outside, Sample


class ValuesContract:
    """An environment has its own values, and secrets are told to nobody."""

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
        need(platform, Ability.CONFIGURE)
        apply(sample.wanted(first))
        there = repr(prod.contents())
        assert [value for value in sample.variables.values() if str(value) not in there] == []

    def test_an_export_tells_values_apart_from_the_package(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """So that what runs can be adopted with the values that it runs with, and with the names of its secrets."""
        need(platform, Ability.EXPORT, Support.FULL)
        apply(sample.wanted(first))
        export = platform.export(prod.access, sample.scope, {sample.scope.solution: sample.scope})
        assert dict(export.values) == dict(sample.variables)
        if has(platform, Ability.SECRETS):
            assert {n: set(f) for n, f in export.bound.items()} == {n: set(f) for n, f in sample.secrets.items()}

    def test_secrets_are_sent_with_every_deployment(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Also on the way back, and after a removal: platforms forget."""
        need(platform, Ability.SECRETS)
        apply(sample.wanted(first))
        stored = prod.stored()
        assert stored
        prod.forget_secret()
        assert prod.stored() != stored
        apply(sample.wanted(second, first))
        prod.forget_secret()
        apply(sample.wanted(first, second))
        assert prod.stored() == stored
        if has(platform, Ability.REMOVE):
            apply(sample.wanted(None, first))
            apply(sample.wanted(first))
            assert prod.stored() == stored

    def test_a_secret_that_is_gone_is_configuration_drift(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Its value is never compared."""
        need(platform, Ability.SECRETS)
        apply(sample.wanted(first))
        prod.forget_secret()
        seen = observe_one(platform, prod, sample, first)
        assert seen.configuration
        assert seen.definition.is_empty

    def test_a_secret_appears_in_nothing_that_is_told(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, second: bytes, apply: Apply
    ) -> None:
        """Not in plans, intents, outcomes, observations, exports or rights."""
        apply(sample.wanted(first))
        prod.change_value()
        prod.edit()
        told: list[object] = list(everything_told(platform, prod, sample, first, second))
        apply(sample.wanted(second, first))
        told += [apply.told, *everything_told(platform, prod, sample, first, second)]
        assert leaks_in(told, prod.access, sample) == []
