"""What every platform must prove that declares `switch` or `usage`; part of the contract suite."""

# ruff: noqa: S101, PLR0917 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol, runtime_checkable

import pytest

from lampway.domain.capability import Ability
from lampway.engine.abilities import Switchable, UsageTelling
from lampway.engine.platform import Installed, Platform
from lampway.errors import AccessError, UnreachableError
from lampway.testing.looks import need, observe_one, others_in
from lampway.testing.sample import Apply, Outside, Sample, Strangers


@runtime_checkable
class Switched(Protocol):
    """What a back door has besides where its platform declares `switch`."""

    def runs(self) -> bool:
        """Return whether the sample runs, seen by somebody who uses it."""
        ...

    def switch_live(self, *, on: bool) -> None:
        """Switch the sample on or off in the editor, past everybody."""
        ...


class SwitchContract:
    """What switching off and on must keep."""

    @pytest.fixture
    def switched(self, platform: Platform, prod: Outside) -> Switched:
        """Return the back door; skips where the ability is not declared."""
        need(platform, Ability.SWITCH)
        assert isinstance(platform, Switchable)
        assert isinstance(prod, Switched)
        return prod

    def test_what_is_switched_off_does_not_run_and_comes_back_as_it_was(
        self, platform: Platform, prod: Outside, switched: Switched, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Secrets and values included; seen by somebody who uses it, not by what the adapter says."""
        assert isinstance(platform, Switchable)
        apply(sample.wanted(first))
        here = Installed(first, sample.configuration)
        before, secrets = prod.contents(), prod.stored()
        assert switched.runs()
        platform.deactivate(prod.access, here)
        assert not switched.runs()
        assert platform.is_switched(prod.access, here, on=False)
        assert not platform.is_switched(prod.access, here, on=True)
        platform.activate(prod.access, here)
        assert switched.runs()
        assert platform.is_switched(prod.access, here, on=True)
        assert (prod.contents(), prod.stored()) == (before, secrets)

    def test_switching_twice_is_switching_once(
        self, platform: Platform, prod: Outside, switched: Switched, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """So that what was under way when a process died may simply be done again."""
        assert isinstance(platform, Switchable)
        apply(sample.wanted(first))
        here = Installed(first, sample.configuration)
        for _ in range(2):
            platform.deactivate(prod.access, here)
        dark = prod.contents()
        platform.deactivate(prod.access, here)
        assert prod.contents() == dark
        for _ in range(2):
            platform.activate(prod.access, here)
        assert switched.runs()

    def test_nothing_of_others_is_switched(
        self,
        platform: Platform,
        prod: Outside,
        switched: Switched,
        sample: Sample,
        first: bytes,
        apply: Apply,
        beside: object,
    ) -> None:
        """Whatever else lives there goes on."""
        assert isinstance(platform, Switchable)
        assert beside
        apply(replace(sample.wanted(first), others=beside))  # type: ignore[arg-type] # as the fixture gives it
        before, secrets = others_in(prod, sample), prod.stored()
        here = Installed(first, sample.configuration)
        platform.deactivate(prod.access, here)
        assert not switched.runs()
        assert others_in(prod, sample) == before
        platform.activate(prod.access, here)
        assert (others_in(prod, sample), prod.stored()) == (before, secrets)

    def test_what_we_switched_off_is_no_drift_and_what_others_switch_is(
        self, platform: Platform, prod: Outside, switched: Switched, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Off as recorded is as it should be; on again, or off without us, is somebody's live edit."""
        assert isinstance(platform, Switchable)
        apply(sample.wanted(first))
        on = Installed(first, sample.configuration)
        off = replace(on, is_on=False)
        platform.deactivate(prod.access, on)
        assert observe_one(platform, prod, sample, off).is_clean
        assert not observe_one(platform, prod, sample, on).is_clean
        switched.switch_live(on=True)
        assert not observe_one(platform, prod, sample, off).is_clean
        switched.switch_live(on=False)
        assert not observe_one(platform, prod, sample, on).is_clean

    def test_who_may_not_deploy_may_not_switch(
        self,
        platform: Platform,
        switched: Switched,
        sample: Sample,
        first: bytes,
        apply: Apply,
        strangers: Strangers,
    ) -> None:
        """Told as such, and nothing was changed."""
        assert isinstance(platform, Switchable)
        apply(sample.wanted(first))
        here = Installed(first, sample.configuration)
        with pytest.raises(AccessError):
            platform.deactivate(strangers.wrong, here)
        with pytest.raises(UnreachableError):
            platform.deactivate(strangers.unreachable, here)
        assert switched.runs()

    def test_telling_usage_changes_nothing(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """What is told is a moment or nothing: what is not known is not made up."""
        need(platform, Ability.USAGE)
        assert isinstance(platform, UsageTelling)
        apply(sample.wanted(first))
        before = prod.contents()
        told = platform.tell_usage(prod.access, Installed(first, sample.configuration))
        for moment in (told.last_run, told.last_change):
            assert not moment or datetime.fromisoformat(moment).tzinfo is not None
        assert prod.contents() == before
