"""What must hold when a step is interrupted, or somebody else is at work; part of the contract suite."""

# ruff: noqa: S101, PLR0917 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from collections.abc import Mapping

import pytest

from lampway.domain.capability import Ability, Support
from lampway.domain.package import Inventory
from lampway.engine.platform import Found, Platform
from lampway.errors import ConflictError
from lampway.testing.looks import need, others_in
from lampway.testing.sample import Apply, Outside, Sample


class MeanwhileContract:
    """What looking up and preconditions must keep."""

    def test_an_interrupted_step_can_be_found_and_repeated(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """Before: untouched. After: reached, and to take the step once more changes nothing."""
        need(platform, Ability.RECOVERY)
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
        need(platform, Ability.RECOVERY)
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
        need(platform, Ability.RECOVERY)
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
        need(platform, Ability.PRECONDITION, Support.FULL)
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
        need(platform, Ability.PRECONDITION, Support.FULL)
        wanted = sample.wanted(first, None, beside)
        step = platform.plan(prod.access, wanted).steps[0].name
        intent = platform.intend(prod.access, wanted, step)
        prod.edit_elsewhere()
        edited = others_in(prod, sample)
        try:
            apply.perform(wanted, step, intent)
        except ConflictError:
            apply(wanted)
        assert others_in(prod, sample) == edited
