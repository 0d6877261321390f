"""A retirement is not even asked for where the platform itself sees something that cannot do without the solution."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import Team

from lampway.domain.retirement import Retirement
from lampway.engine.platform import Access, AdapterPlan, Problem, Wanted
from lampway.engine.retire import Retire
from lampway.errors import RefusedError, UnreachableError
from lampway.testing.memory import MemoryPlatform

WHY = "nobody orders lamps any more"


class Watchful(MemoryPlatform):
    """A product that knows what depends on what."""

    def __init__(self, worlds: dict[str, object], trouble: dict[str, object]) -> None:
        super().__init__()
        self.worlds = worlds  # type: ignore[assignment]
        self.trouble = trouble

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        plan = super().plan(access, wanted)
        found = self.trouble.get(access.environment) if wanted.package is None else None
        if isinstance(found, Exception):
            raise found
        return replace(plan, problems=(found,)) if isinstance(found, Problem) else plan


NEEDED = Problem("2 components there need orders: report Sales", "uninstall or change what uses it first")


def watchful(team: Team, **trouble: object) -> Team:
    platform = Watchful(team.platform.worlds, trouble)  # type: ignore[arg-type]
    team.engine = replace(team.engine, platforms={**team.engine.platforms, "memory": platform})
    return team


def test_what_the_platform_sees_in_use_is_not_retired(shipped: Team) -> None:
    with pytest.raises(RefusedError, match="cannot be taken out of prod: 2 components there need orders") as caught:
        watchful(shipped, prod=NEEDED).run(Retire("orders", WHY))
    assert caught.value.hint == NEEDED.hint
    assert shipped.find(Retirement) == ()


def test_only_the_environment_that_is_meant_is_asked(shipped: Team) -> None:
    watchful(shipped, test=NEEDED).run(Retire("orders", WHY, "prod"))
    assert [r.environment for r in shipped.find(Retirement)] == ["prod"]


def test_a_platform_that_cannot_be_asked_keeps_nobody_from_asking(shipped: Team) -> None:
    watchful(shipped, prod=UnreachableError("gone", where="prod")).run(Retire("orders", WHY))
    assert len(shipped.find(Retirement)) == 1
