"""Platforms that export a build in two forms: one is sealed, the other is what people read; neither holds a secret."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import Team

from lampway.domain.package import Scope
from lampway.engine.platform import Access, Export
from lampway.engine.release import MakeRelease
from lampway.errors import RefusedError
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import read_package


class TwoForms:
    """A platform whose packages for makers say more than those that are deployed."""

    def __init__(self, platform: MemoryPlatform, remark: str) -> None:
        self._platform = platform
        self._remark = remark

    def __getattr__(self, name: str) -> object:
        return getattr(self._platform, name)

    def export(self, access: Access, scope: Scope, known: dict[str, Scope]) -> Export:
        export = self._platform.export(access, scope, known)
        package = read_package(export.package)
        first, *rest = package.apps
        parts = [replace(first.parts[0], does=f"{first.parts[0].does} {self._remark}"), *first.parts[1:]]
        source = replace(package, apps=(replace(first, parts=tuple(parts)), *rest))
        return replace(export, source=source.to_bytes())


def forms(team: Team, remark: str) -> None:
    team.engine = replace(team.engine, platforms={"memory": TwoForms(team.platform, remark)})


def test_what_people_read_is_committed_and_what_is_deployed_is_sealed(team: Team) -> None:
    forms(team, "for makers")
    release = team.release("1.19")
    files = team.source.files_at(release.commit, ["solutions/orders/src"])
    assert b"for makers" in b"".join(files.values())
    assert b"for makers" not in team.packages.get(release.package.digest)
    assert team.run(MakeRelease("orders")).release is None


def test_a_secret_in_what_is_committed_alone_is_refused_and_told_once(team: Team) -> None:
    forms(team, "hardcoded secret")
    commits = len(team.source.commits)
    with pytest.raises(RefusedError, match="1 hardcoded value") as caught:
        team.release("1.19")
    assert len(caught.value.details) == 1
    assert len(team.source.commits) == commits
    forms(team, "")
    with pytest.raises(RefusedError, match="1 hardcoded value"):
        team.release("hardcoded secret")
