"""Sandboxes: they appear, belong to somebody, are filled, end by themselves, and nothing gets out of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from team import MortalStore, Team

from lampway.domain.events import Actor
from lampway.domain.notify import Channel, Notify, Route
from lampway.domain.sandbox import AT_ONCE, Sandbox, SandboxState
from lampway.domain.strategy import Environment
from lampway.engine.audit import Audit
from lampway.engine.cases import CASES
from lampway.engine.due import RunDue
from lampway.engine.grounds import Grounds
from lampway.engine.release import MakeRelease
from lampway.engine.sandboxes import (
    CreateSandbox,
    ExpireSandbox,
    ExtendSandbox,
    ResetSandbox,
    SandboxLine,
    ShowSandboxes,
    tend_sandboxes,
)
from lampway.engine.strategy import ApplyStrategy
from lampway.errors import NotFoundError, PlatformError, RefusedError, UsageError
from lampway.storage.sql import open_sqlite
from lampway.testing.world import App, CrashError, Fault, Part, World

MIA = Actor("mia", "test", name="Mia")


def create(team: Team, name: str = "play", by: str = "mia", **more: str) -> SandboxLine:
    line = team.run(CreateSandbox(name, **more), by)
    assert isinstance(line, SandboxLine)
    return line


def lines(team: Team) -> dict[str, bool | None]:
    return {line.sandbox.name: line.is_running for line in team.run(ShowSandboxes())}


def world(team: Team, name: str = "play") -> World:
    (sandbox,) = [s for s in team.find(Sandbox, states=(SandboxState.LIVE,)) if s.name == name]
    return team.platform.worlds[sandbox.url]


def kinds(team: Team) -> list[str]:
    return [kind for kind in team.kinds() if kind.startswith("sandbox-")]


def test_it_appears_with_an_owner_and_an_end(team: Team) -> None:
    line = create(team, lasting="8h")
    assert (line.sandbox.owner, line.sandbox.until) == ("mia", "2026-01-05T17:00:00.000+00:00")
    assert line.is_running
    assert lines(team) == {"play": True}
    assert world(team).apps == {}


def test_it_holds_what_a_release_brings_with_the_values_of_where_it_is_built(shipped: Team) -> None:
    line = create(shipped, origin="orders@1.0.0")
    assert line.sandbox.content == ("orders@1.0.0",)
    assert shipped.price_in(world(shipped)) == "1.19"
    assert world(shipped).apps["a1"].values == {"ERP_URL": "https://erp.dev"}
    assert world(shipped).apps["a1"].passwords == {}
    assert "connection ERP is left without its secret" in line.notes[0]


def test_it_holds_what_runs_in_an_environment_and_nothing_secret_of_it(shipped: Team) -> None:
    create(shipped, origin="prod")
    assert shipped.price_in(world(shipped)) == "1.16"
    assert "prod" not in repr(world(shipped).apps)


def test_it_holds_what_makers_are_building(shipped: Team) -> None:
    shipped.build("7")
    line = create(shipped, origin="dev")
    assert (shipped.price_in(world(shipped)), line.sandbox.content) == ("7", ("orders@as-built",))


def test_what_it_is_to_be_filled_from_must_be_there(team: Team) -> None:
    for origin, error in (("orders", "no release yet"), ("test", "nothing of any solution is in test")):
        with pytest.raises(NotFoundError, match=error):
            create(team, origin=origin)
    assert kinds(team) == []


def test_it_ends_by_itself_and_nothing_is_left(team: Team) -> None:
    url = create(team, lasting="8h").sandbox.url
    team.clock.move(hours=7, minutes=59)
    team.run(RunDue())
    assert lines(team) == {"play": True}
    team.clock.move(minutes=1)
    done = team.run(RunDue())
    assert done.sandboxes == ("sandbox play: its time was over, it is gone",)
    assert lines(team) == {}
    assert url not in team.platform.worlds
    assert kinds(team)[-1] == "sandbox-ended"


def test_its_owner_is_told_once_before_the_end(team: Team) -> None:
    notify = Notify(channels=(Channel("desk", webhook="https://desk.test"),), routes=(Route(("desk",)),))
    team.govern(replace(team.rules, notify=notify))
    create(team, lasting="7d")
    team.clock.move(days=6)
    for _ in range(3):
        tend_sandboxes(team.engine)
        team.clock.move(minutes=1)
    assert kinds(team).count("sandbox-reminded") == 1
    told = [due.doc["notice"] for due in team.store.due() if due.kind == "notice"]
    assert [(n["kind"], n["people"], n["command"]) for n in told] == [
        ("sandbox", ["mia"], "lampway sandbox extend play --for 7d")
    ]


def test_what_came_due_while_nothing_ran_is_done_once(team: Team) -> None:
    create(team, lasting="7d")
    team.clock.move(days=400)
    for _ in range(3):
        team.run(RunDue())
    assert kinds(team).count("sandbox-ended") == 1
    assert kinds(team).count("sandbox-reminded") == 0, "what is over needs no reminder"


def test_over_many_workers_it_ends_once_and_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    team = Team(lambda clock: open_sqlite(file, clock))
    create(team, lasting="8h")
    stores = [open_sqlite(file, team.clock) for _ in range(8)]
    engines = [team.another(store, holder=f"w{n}") for n, store in enumerate(stores)]
    with ThreadPoolExecutor(8) as pool:
        for hours in (7, 1):
            team.clock.move(hours=hours)
            tended = list(pool.map(tend_sandboxes, engines))
    assert [name for one in tended for name in one.ended] == ["play"]
    assert kinds(team)[-2:] == ["sandbox-reminded", "sandbox-ended"]
    for store in stores:
        store.close()


def test_the_next_thing_due_is_told_to_whoever_drives_time(team: Team) -> None:
    assert tend_sandboxes(team.engine).next_at == ""
    create(team, lasting="8h")
    assert tend_sandboxes(team.engine).next_at == "2026-01-05T15:00:00.000+00:00"
    team.clock.move(hours=6)
    assert tend_sandboxes(team.engine).reminded == ("play",)
    assert tend_sandboxes(team.engine).next_at == "2026-01-05T17:00:00.000+00:00"


def test_one_that_does_not_go_is_tried_again(team: Team) -> None:
    create(team, lasting="1h")
    team.clock.move(hours=1)
    remove = team.platform.remove_sandbox

    def stuck(folder: Path) -> None:
        raise PlatformError("it does not end")

    team.platform.remove_sandbox = stuck
    assert tend_sandboxes(team.engine).failed == ("play: it does not end",)
    assert kinds(team)[-1] == "sandbox-started"
    team.platform.remove_sandbox = remove
    assert tend_sandboxes(team.engine).ended == ("play",)


def test_it_can_last_longer_and_is_then_reminded_of_again(team: Team) -> None:
    create(team, lasting="8h")
    team.clock.move(hours=7)
    team.run(RunDue())
    line = team.run(ExtendSandbox("play", "8h"))
    assert line.sandbox.until == "2026-01-06T00:00:00.000+00:00"
    team.clock.move(hours=7)
    team.run(RunDue())
    assert kinds(team).count("sandbox-reminded") == 2
    with pytest.raises(UsageError, match="anyway"):
        team.run(ExtendSandbox("play", "5s"))
    with pytest.raises(UsageError, match="at most 90 d"):
        team.run(ExtendSandbox("play", "91d"))


def test_reset_brings_it_back_as_it_was_made(shipped: Team) -> None:
    create(shipped, origin="orders@1.0.0")
    world(shipped).edit("p2", does="times 9")
    world(shipped).draw(App("z1", "Experiment", (Part("z2", "Try"),)))
    shipped.run(ResetSandbox("play"))
    assert shipped.price_in(world(shipped)) == "1.19"
    assert "z1" not in world(shipped).apps


def test_one_whose_process_ended_says_so_and_can_be_started_again(shipped: Team) -> None:
    create(shipped, origin="orders")
    world(shipped).edit("p2", does="times 9")
    world(shipped).is_down = True
    assert lines(shipped) == {"play": False}
    line = shipped.run(ResetSandbox("play", keep=True))
    assert line.sandbox.content == ("orders@1.0.1",)
    assert lines(shipped) == {"play": True}
    assert shipped.price_in(world(shipped)) == "9", "what was done in it is kept"
    assert shipped.run(ResetSandbox("play", keep=True)).is_running, "asking again changes nothing"
    world(shipped).is_down = True
    shipped.run(ResetSandbox("play"))
    assert shipped.price_in(world(shipped)) == "1.16"


def test_its_owner_takes_it_away_and_a_steward_may_too(team: Team) -> None:
    create(team)
    for request in (ExpireSandbox("play"), ResetSandbox("play"), ExtendSandbox("play", "30d")):
        with pytest.raises(RefusedError, match="belongs to mia"):
            team.run(request, "max")
    team.run(ExpireSandbox("play"))
    assert lines(team) == {}
    create(team)
    team.run(ExpireSandbox("play"), "pam")
    assert lines(team) == {}
    with pytest.raises(NotFoundError, match="no sandbox play"):
        team.run(ExpireSandbox("play"))


def test_a_name_is_free_again_once_it_is_gone_and_its_place_is_another(team: Team) -> None:
    first = create(team).sandbox
    with pytest.raises(RefusedError, match="already"):
        create(team, by="max")
    team.run(ExpireSandbox("play"))
    assert create(team).sandbox.url != first.url


def test_nobody_has_more_than_a_few(team: Team) -> None:
    for number in range(AT_ONCE):
        create(team, f"play{number}")
    with pytest.raises(RefusedError, match="as many as one may have"):
        create(team, "one-more")
    create(team, "one-more", by="max")


def test_one_that_cannot_be_started_leaves_nothing(team: Team) -> None:
    start = team.platform.start_sandbox

    def broken(*words: object, **more: object) -> object:
        start(*words, **more)
        raise PlatformError("no port is free")

    team.platform.start_sandbox = broken
    before = set(team.platform.worlds)
    with pytest.raises(PlatformError, match="no port"):
        create(team)
    assert set(team.platform.worlds) == before
    assert lines(team) == {}
    assert kinds(team) == ["sandbox-created", "sandbox-ended"]


def test_whoever_dies_anywhere_on_the_way_leaves_one_that_is_known_and_can_go(shipped: Team) -> None:
    first = shipped.copy()
    whole = MortalStore(first.store)
    asked = CreateSandbox("play", origin="orders")
    CASES[CreateSandbox](first.another(whole), asked, MIA)
    assert len(whole.points) == 4
    for point in range(1, len(whole.points) + 1):
        team = shipped.copy()
        with pytest.raises(CrashError):
            CASES[CreateSandbox](team.another(MortalStore(team.store, point)), asked, MIA)
        known = team.find(Sandbox)
        started = {url for url in team.platform.worlds if "sandboxes" in url}
        assert not started or known, "nothing was started that nobody knows of"
        team.clock.move(days=8)
        team.run(RunDue())
        assert not [url for url in team.platform.worlds if "sandboxes" in url]
        assert all(s.state is SandboxState.ENDED for s in team.find(Sandbox))
        team.store.close()


# Nothing gets out


def test_nothing_is_released_out_of_one(shipped: Team) -> None:
    create(shipped, origin="orders")
    with pytest.raises(RefusedError, match="play is a sandbox, and nothing is released out of one"):
        shipped.run(MakeRelease("orders", "play"))


def test_nor_out_of_one_that_the_strategy_declares(shipped: Team) -> None:
    rules = shipped.rules
    place = replace(rules.environments[0], name="lab", tier="sandbox")
    shipped.govern(replace(rules, environments=(*rules.environments, place)))
    with pytest.raises(RefusedError, match="lab is a sandbox"):
        shipped.run(MakeRelease("orders", "lab"))


def test_no_strategy_may_point_at_one(team: Team) -> None:
    url = create(team).sandbox.url
    rules = team.rules
    other: Environment = rules.environments[0]
    for place in (replace(other, name="play"), replace(other, name="lab", url=url)):
        with pytest.raises(RefusedError, match="is the sandbox play of mia"):
            team.govern(replace(rules, environments=(*rules.environments, place)))
    team.rules = rules
    team.run(ExpireSandbox("play"))
    team.govern(replace(rules, environments=(*rules.environments, replace(other, name="play"))))
    with pytest.raises(RefusedError, match="play is an environment of the strategy"):
        create(team)
    assert team.run(ApplyStrategy(), "pam").changes == ()


# On other machines


def test_one_on_another_machine_is_left_to_that_one(team: Team) -> None:
    create(team, lasting="1h")
    other = replace(team.another(), grounds=Grounds(Path("grounds"), Path("cache"), "elsewhere"))
    actor = MIA
    (line,) = CASES[ShowSandboxes](other, ShowSandboxes(), actor)
    assert line.is_running is None
    for request in (ResetSandbox("play"), ExpireSandbox("play")):
        with pytest.raises(RefusedError, match="is on here"):
            CASES[type(request)](other, request, actor)
    team.clock.move(hours=1)
    assert tend_sandboxes(other).ended == ()
    assert lines(team) == {"play": True}
    with pytest.raises(RefusedError, match="which is not gone"):
        team.run(ExpireSandbox("play", is_gone=True))
    CASES[ExpireSandbox](other, ExpireSandbox("play", is_gone=True), actor)
    assert lines(team) == {}


def test_where_there_is_no_ground_none_is_started_and_nothing_else_breaks(team: Team) -> None:
    bare = replace(team.another(), grounds=None)
    with pytest.raises(RefusedError, match="no sandbox can be started here"):
        CASES[CreateSandbox](bare, CreateSandbox("play"), MIA)
    assert tend_sandboxes(bare).ended == ()


def test_a_platform_that_cannot_says_so(team: Team) -> None:
    with pytest.raises(NotFoundError, match="no platform named"):
        create(team, platform="moon")
    bare = replace(team.another(), platforms={"memory": object()})
    with pytest.raises(RefusedError, match="cannot start a sandbox of memory"):
        CASES[CreateSandbox](bare, CreateSandbox("play"), MIA)


def test_the_ledger_alone_tells_all_of_it(shipped: Team) -> None:
    create(shipped, origin="orders")
    shipped.run(ExtendSandbox("play", "30d"))
    shipped.run(ResetSandbox("play"))
    shipped.clock.move(days=40)
    shipped.run(RunDue())
    assert shipped.run(Audit()).damage == ()


def test_a_fault_of_the_product_while_it_is_filled_leaves_nothing(shipped: Team) -> None:
    start = shipped.platform.start_sandbox

    def fragile(folder: Path, **more: object) -> object:
        launched = start(folder, **more)
        shipped.platform.worlds[launched.url].fail(Fault.REFUSED)
        return launched

    shipped.platform.start_sandbox = fragile
    with pytest.raises(PlatformError, match="does not want to"):
        create(shipped, origin="orders")
    assert lines(shipped) == {}
    assert not [url for url in shipped.platform.worlds if "sandboxes" in url]
