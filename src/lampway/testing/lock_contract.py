"""What every platform must prove that declares `lock-set` or `label`; part of the contract suite."""

# ruff: noqa: S101 - a contract suite is made of assertions
from __future__ import annotations

from collections.abc import Callable

import pytest

from lampway.domain.capability import Ability
from lampway.engine.abilities import Labelled, LockSettable
from lampway.engine.platform import Platform
from lampway.testing.looks import need
from lampway.testing.sample import Outside


class LockContract:
    """What setting lock and label must keep."""

    def test_a_lock_that_is_set_keeps_makers_out(
        self, platform: Platform, prod: Outside, request: pytest.FixtureRequest
    ) -> None:
        """Makers can save while it is open and not when it is locked again, with the session they had meanwhile."""
        need(platform, Ability.LOCK_SET)
        assert isinstance(platform, LockSettable)
        saves: Callable[[], bool] = request.getfixturevalue("saves")
        prod.build(1)
        assert platform.lock_objection(prod.access) == ""
        for _ in range(2):
            platform.set_lock(prod.access, locked=False, until="2999-01-01T00:00:00.000+00:00")
            platform.set_lock(prod.access, locked=False, until="2999-01-01T00:00:00.000+00:00")
            assert saves()
            platform.set_lock(prod.access, locked=True)
            platform.set_lock(prod.access, locked=True)
            assert not saves()
        assert platform.probe(prod.access).can_deploy

    def test_setting_the_lock_changes_nothing_else(self, platform: Platform, prod: Outside) -> None:
        """What runs goes on as it is."""
        need(platform, Ability.LOCK_SET)
        assert isinstance(platform, LockSettable)
        prod.build(1)
        before = (prod.contents(), prod.stored())
        platform.set_lock(prod.access, locked=False, until="2999-01-01T00:00:00.000+00:00")
        platform.set_lock(prod.access, locked=True)
        assert (prod.contents(), prod.stored()) == before

    def test_a_label_that_was_set_is_what_people_see(self, platform: Platform, prod: Outside) -> None:
        """To its last character, and nothing else changes."""
        need(platform, Ability.LABEL)
        assert isinstance(platform, Labelled)
        prod.build(1)
        before = prod.contents()
        for text in ("PROD — locked, use lampway", "PROD <b>&"):
            platform.set_label(prod.access, text)
            assert platform.read_label(prod.access) == text
        assert prod.contents() == before
