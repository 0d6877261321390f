"""Making releases: sealed once, never changed, and nothing is lost when it goes wrong half way."""

from __future__ import annotations

import pytest
from team import Team

from lampway.domain.release import Release
from lampway.engine.release import MakeRelease
from lampway.engine.views import CompareReleases
from lampway.errors import NotFoundError, RefusedError, SourceError, StorageError, UnreachableError, UsageError
from lampway.testing.memory_package import read_package
from lampway.testing.world import Fault, Part


def test_a_release_holds_exactly_what_was_committed(team: Team) -> None:
    release = team.release("1.19")
    files = team.source.files_at(release.commit, ["solutions/orders/src"])
    source = {path.removeprefix("solutions/orders/src/"): data for path, data in files.items()}
    assert team.engine.platform("memory").format.pack(source) == team.packages.get(release.package.digest)
    assert read_package(team.packages.get(release.package.digest)).version == "1.0.0"


def test_nothing_changed_makes_no_release(team: Team) -> None:
    first = team.release("1.19")
    commits = len(team.source.commits)
    made = team.run(MakeRelease("orders"))
    assert (made.release, made.last) == (None, first.version)
    team.dev.edit("p2", at=99)
    assert team.run(MakeRelease("orders")).release is None, "a move on the canvas changes nothing that it does"
    assert len(team.source.commits) == commits


@pytest.mark.parametrize(("price", "more", "version"), [
    ("1.16", {}, "1.0.1"),
    ("1.16", {"bump": "minor"}, "1.1.0"),
    ("1.16", {"bump": "major"}, "2.0.0"),
    ("1.16", {"version": "7.1.2"}, "7.1.2"),
    ("${RATE}", {}, "2.0.0"),
])  # fmt: skip
def test_the_next_version_follows_from_what_changed(team: Team, price: str, more: dict[str, str], version: str) -> None:
    team.release("1.19")
    assert team.release(price, **more).version == version


def test_the_same_version_with_other_content_is_refused(team: Team) -> None:
    first = team.release("1.19")
    team.build("1.16")
    with pytest.raises(RefusedError, match="sealed already"):
        team.run(MakeRelease("orders", version="1.0.0"))
    assert team.find(Release) == (first,)


@pytest.mark.parametrize("more", [{"version": "1.2"}, {"version": "1.2.3", "bump": "minor"}, {"bump": "sideways"}])
def test_versions_that_are_none_are_refused(team: Team, more: dict[str, str]) -> None:
    team.release("1.19")
    team.build("1.16")
    with pytest.raises(UsageError):
        team.run(MakeRelease("orders", **more))


def test_a_crash_between_commit_and_seal_loses_nothing(team: Team) -> None:
    """Unchanged is judged against the last sealed release, so the same command seals what was committed."""
    put = team.packages.put
    team.packages.put = _broken
    with pytest.raises(StorageError):
        team.run(MakeRelease("orders"))
    assert team.find(Release) == ()
    assert len(team.source.commits) == 2
    team.packages.put = put
    release = team.release()
    assert release.version == "1.0.0"
    assert "mia" in release.makers


def _broken(data: bytes) -> str:
    raise StorageError(f"the disk is full: {len(data)} bytes do not fit")


def test_nothing_is_sealed_that_could_not_be_pushed(team: Team) -> None:
    team.source.broken = 1
    with pytest.raises(SourceError):
        team.run(MakeRelease("orders"))
    assert team.find(Release) == ()
    assert team.release().version == "1.0.0"


def test_makers_are_those_who_edited_committed_and_released(team: Team) -> None:
    team.build("1.19", by="max")
    release = team.release(by="mia")
    assert {"max", "mia"} <= set(release.makers)
    assert not release.editors_unknown


def test_a_dev_that_does_not_answer_leaves_nothing_behind(team: Team) -> None:
    team.dev.fail(Fault.UNREACHABLE, on="export")
    with pytest.raises(UnreachableError):
        team.run(MakeRelease("orders"))
    assert (team.find(Release), team.packages.kept, len(team.source.commits)) == ((), {}, 1)


def test_what_another_solution_holds_cannot_be_released_too(team: Team) -> None:
    from dataclasses import replace

    thief = replace(team.rules.solutions[1], contains=("Orders",))
    team.govern(replace(team.rules, solutions=(team.rules.solutions[0], thief)))
    with pytest.raises(RefusedError, match="two solutions hold"):
        team.run(MakeRelease("orders"))


def test_two_releases_are_compared_in_a_makers_words(team: Team) -> None:
    team.release("1.19")
    app = team.dev.apps["a1"]
    app.parts = (*app.parts, Part("p9", "Round", "to cents"))
    team.dev.edit("p2", does="times 1.16", by="mia@example.test")
    assert team.release().version == "1.1.0"
    diff = team.run(CompareReleases("orders@1.0.0", "orders@1.1.0"))
    assert diff.summaries() == ("part *Round* added", "part *Price*: does something else")
    with pytest.raises(NotFoundError):
        team.run(CompareReleases("orders@1.0.0", "orders@9.9.9"))
