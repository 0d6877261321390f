"""What credentials may do in a real Node-RED, seen without doing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import flowkit as kit
import pytest
from runtimes import Place

from lampway.domain.capability import Ability, Support
from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.abilities import Launchable, Lockable, LockState
from lampway.engine.platform import Access, Platform
from lampway.errors import AccessError, PlatformError, UnreachableError
from lampway.platforms.nodered import create
from lampway.platforms.nodered.platform import NodeRed

pytestmark = pytest.mark.real

Scoped = Callable[[str], Access]


def test_our_own_runtimes_lack_nothing(platform: NodeRed, place: Place) -> None:
    rights = platform.probe(place.access)
    assert (rights.product, rights.user) == ("Node-RED 4.1.15", "pipeline")
    assert rights.can_read
    assert rights.can_deploy
    assert rights.missing == ()
    assert rights.notes == ()


def test_missing_rights_are_told_with_their_cure(platform: NodeRed, scoped: Scoped) -> None:
    look, blind = platform.probe(scoped("look")), platform.probe(scoped("blind"))
    assert (look.can_read, look.can_deploy) == (True, False)
    assert [line for line in look.missing if "`flows.write`" in line]
    assert (blind.can_read, blind.can_deploy) == (True, True)
    told = " ".join(blind.missing)
    assert all(f"`{right}`" in told for right in ("nodes.read", "settings.read", "credentials.read"))


def test_a_plan_without_the_right_to_deploy_says_so(platform: NodeRed, scoped: Scoped) -> None:
    (problem, *_) = platform.plan(scoped("look"), kit.want(kit.package(kit.simple("Fresh", "/fresh")))).problems
    assert "may not deploy" in problem.summary
    assert "flows.write" in problem.hint


def test_an_export_without_the_right_to_see_credentials_says_so(platform: NodeRed, scoped: Scoped) -> None:
    import httpx

    home = kit.tab("Orders", kit.secret("KEY"))
    access = scoped("blind")
    headers = {"Authorization": "Bearer everything", "Node-RED-API-Version": "v2"}
    httpx.post(f"{access.url}/flows", json={"flows": [home]}, headers=headers)
    export = platform.export(access, Scope("orders", contains=("Orders",)), {})
    assert any("credentials.read" in note for note in export.notes)


def test_wrong_credentials_are_refused_as_such(platform: NodeRed, place: Place) -> None:
    wrong: list[Mapping[str, Secret]] = [
        {"token": Secret("wrong")},
        {"token": Secret("with\nline")},
        {"token": Secret("wörng")},
        {},
        {"user": Secret("maker"), "password": Secret("wrong")},
        {"user": Secret("nobody"), "password": Secret("wrong")},
    ]
    for credentials in wrong[:1] + wrong[3:]:
        with pytest.raises(AccessError) as caught:
            platform.probe(replace(place.access, credentials=credentials))
        assert not caught.value.retryable
        assert caught.value.hint
    for credentials in wrong[1:3]:
        with pytest.raises(PlatformError) as broken:
            platform.probe(replace(place.access, credentials=credentials))
        assert credentials["token"].reveal() not in str(broken.value)


def test_a_platform_that_is_down_is_unreachable(platform: NodeRed) -> None:
    with pytest.raises(UnreachableError) as caught:
        platform.probe(Access("prod", "http://127.0.0.1:9", {"token": Secret("x")}))
    assert caught.value.retryable
    assert caught.value.where == "prod"


def test_a_user_with_a_password_can_do_it_too(platform: NodeRed, place: Place) -> None:
    rights = platform.probe(place.maker)
    assert (rights.user, rights.can_deploy) == ("maker", True)


def test_a_runtime_without_sign_in_is_noted_and_open(platform: NodeRed, anonymous: Access) -> None:
    assert any("anybody" in note for note in platform.probe(anonymous).notes)
    lock = platform.observe_lock(anonymous, None)
    assert lock.state is LockState.OPEN
    assert "permissions: 'read'" in lock.cure


def test_a_locked_runtime_is_seen_as_locked_and_still_deploys(platform: NodeRed, locked_place: Place) -> None:
    lock = platform.observe_lock(locked_place.access, locked_place.maker)
    assert lock.state is LockState.LOCKED
    assert "look and not deploy" in lock.summary
    headers = locked_place.admin_headers("maker", locked_place.maker.credentials["password"].reveal())
    assert locked_place.outside("POST", "/flows", json={"flows": []}, headers=headers).status_code == 401
    assert platform.probe(locked_place.access).can_deploy


def test_an_open_runtime_is_seen_as_open_with_the_cure(platform: NodeRed, place: Place) -> None:
    lock = platform.observe_lock(place.access, place.maker)
    assert lock.state is LockState.OPEN
    assert "settings.js" in lock.cure


def test_read_only_is_no_lock(platform: NodeRed, scoped: Scoped) -> None:
    lock = platform.observe_lock(scoped("everything"), scoped("everything"))
    assert lock.state is LockState.OPEN
    assert "readOnly: true` is no lock" in lock.cure


def test_who_may_change_modules_is_locked_out_only_partly(platform: NodeRed, scoped: Scoped) -> None:
    assert platform.observe_lock(scoped("everything"), scoped("look")).state is LockState.LOCKED
    lock = platform.observe_lock(scoped("everything"), scoped("modules"))
    assert lock.state is LockState.PARTIAL
    assert "modules" in lock.summary


def test_without_a_makers_access_the_lock_is_unknown(platform: NodeRed, locked_place: Place) -> None:
    assert platform.observe_lock(locked_place.access, None).state is LockState.UNKNOWN
    wrong = replace(locked_place.maker, credentials={"token": Secret("expired")})
    assert platform.observe_lock(locked_place.access, wrong).state is LockState.UNKNOWN


def test_the_platform_is_all_that_its_port_asks_for() -> None:
    made: Platform = create()
    assert isinstance(made, Lockable)
    assert isinstance(made, Launchable)
    assert made.name == "node-red"
    abilities = [capability.name for capability in made.capabilities()]
    assert sorted(abilities) == sorted(Ability)
    assert all(c.note for c in made.capabilities() if c.support is Support.PARTIAL)


def test_nothing_is_ever_polled(platform: NodeRed, place: Place) -> None:
    with pytest.raises(PlatformError):
        platform.poll(place.access, {"handle": 1})
    with pytest.raises(PlatformError):
        platform.intend(place.access, kit.want(kit.package(kit.simple())), "another step")
