"""What every platform must prove about what it declares; part of the contract suite."""

# ruff: noqa: S101 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

import pytest

from lampway.domain.capability import Ability, Support
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
from lampway.engine.platform import Platform
from lampway.testing.looks import has


class DeclaredContract:
    """What is said of abilities must be so."""

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
        assert isinstance(platform, protocol) is has(platform, ability)
