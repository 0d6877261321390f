"""The lock and the label of a real Node-RED: set where Lampway started it, and nowhere by anybody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from runtimes import Place

from lampway.engine.abilities import LockState
from lampway.engine.platform import Access
from lampway.errors import PlatformRefusedError
from lampway.platforms.nodered import launcher
from lampway.platforms.nodered.platform import NodeRed

pytestmark = pytest.mark.real


def after(**time_: float) -> str:
    return (datetime.now(UTC) + timedelta(**time_)).isoformat(timespec="milliseconds")


def session(place: Place) -> dict[str, str]:
    return place.admin_headers("maker", place.maker.credentials["password"].reveal())


def status(place: Place, headers: dict[str, str], method: str, path: str, **more: Any) -> int:
    return place.outside(method, path, headers=headers, **more).status_code


@pytest.fixture
def prod(platform: NodeRed, locked_place: Place) -> Iterator[Place]:
    yield locked_place
    platform.set_lock(locked_place.access, locked=True)


def test_a_maker_sees_nothing_else_open_than_what_a_look_for_drift_sees(platform: NodeRed, prod: Place) -> None:
    before = session(prod)
    platform.set_lock(prod.access, locked=False, until=after(hours=1))
    assert platform.observe_lock(prod.access, prod.maker).state is LockState.OPEN
    headers = session(prod)
    assert status(prod, headers, "POST", "/flows", json={"flows": []}) == 200
    assert status(prod, headers, "PUT", "/nodes/node-red", json={"enabled": False}) == 401
    assert status(prod, headers, "POST", "/nodes", json={"module": "x"}) in {401, 404}
    assert status(prod, before, "POST", "/flows", json={"flows": []}) == 401, "who signed in before signs in again"
    platform.set_lock(prod.access, locked=True)
    assert status(prod, headers, "POST", "/flows", json={"flows": []}) == 401
    assert status(prod, headers, "GET", "/flows") == 401, "that session has ended"
    assert status(prod, session(prod), "GET", "/flows") == 200
    assert platform.observe_lock(prod.access, prod.maker).state is LockState.LOCKED


def test_it_ends_at_its_time_by_itself_and_a_later_opening_revives_no_session(platform: NodeRed, prod: Place) -> None:
    platform.set_lock(prod.access, locked=False, until=after(seconds=1))
    headers = session(prod)
    assert status(prod, headers, "POST", "/flows", json={"flows": []}) == 200
    time.sleep(1.1)
    assert status(prod, headers, "POST", "/flows", json={"flows": []}) == 401
    assert platform.observe_lock(prod.access, prod.maker).state is LockState.LOCKED
    platform.set_lock(prod.access, locked=False, until=after(hours=1))
    assert status(prod, headers, "POST", "/flows", json={"flows": []}) == 401


def test_only_lampways_own_token_steers_it(platform: NodeRed, prod: Place) -> None:
    wanted = {"until": after(hours=1)}
    assert status(prod, {"Authorization": "Bearer wrong"}, "PUT", "/lampway/control", json=wanted) == 401
    assert status(prod, {"Authorization": ""}, "PUT", "/lampway/control", json=wanted) == 401
    assert status(prod, session(prod), "PUT", "/lampway/control", json=wanted) == 401
    assert platform.observe_lock(prod.access, prod.maker).state is LockState.LOCKED


@pytest.mark.parametrize("body", [b"", b"[", b"null", b'{"until": 7}', b'{"until": "soon"}', b"x" * 100_000])
def test_nonsense_leaves_it_locked(platform: NodeRed, prod: Place, body: bytes) -> None:
    prod.outside("PUT", "/lampway/control", content=body)
    assert platform.observe_lock(prod.access, prod.maker).state is LockState.LOCKED
    assert platform.lock_objection(prod.access) == ""


def test_a_restart_forgets_neither_what_is_open_nor_its_end(platform: NodeRed, cache: Path, tmp_path: Path) -> None:
    launched = launcher.launch(tmp_path, name="prod", locked=True, cache=cache)
    try:
        platform.set_lock(Place(launched, tmp_path).access, locked=False, until=after(seconds=6))
        platform.set_label(Place(launched, tmp_path).access, "PROD")
        launcher.stop(launched)
        launched = launcher.launch(tmp_path, name="prod", locked=True, cache=cache)
        place = Place(launched, tmp_path)
        assert platform.observe_lock(place.access, place.maker).state is LockState.OPEN
        assert platform.read_label(place.access) == "PROD"
        time.sleep(6)
        assert platform.observe_lock(place.access, place.maker).state is LockState.LOCKED
    finally:
        launcher.stop(launched)


def test_sessions_of_an_open_runtime_end_when_it_is_started_locked(
    platform: NodeRed, cache: Path, tmp_path: Path
) -> None:
    launched = launcher.launch(tmp_path, name="prod", locked=False, cache=cache)
    try:
        place = Place(launched, tmp_path)
        headers = session(place)
        assert status(place, headers, "POST", "/flows", json={"flows": []}) == 200
        assert platform.lock_objection(place.access) == "this Node-RED was started without a lock"
        with pytest.raises(PlatformRefusedError):
            platform.set_lock(place.access, locked=True)
        launcher.stop(launched)
        launched = launcher.launch(tmp_path, name="prod", locked=True, cache=cache)
        assert status(Place(launched, tmp_path), headers, "POST", "/flows", json={"flows": []}) == 401
    finally:
        launcher.stop(launched)


def test_a_runtime_that_somebody_else_started_is_only_looked_at(platform: NodeRed, anonymous: Access) -> None:
    assert "Lampway did not start this Node-RED" in platform.lock_objection(anonymous)
    with pytest.raises(PlatformRefusedError, match="did not start"):
        platform.set_lock(anonymous, locked=True)
    with pytest.raises(PlatformRefusedError) as caught:
        platform.set_label(anonymous, "PROD")
    assert "editorTheme.header.title" in caught.value.hint
    assert platform.read_label(anonymous) == "Node-RED"


def test_a_label_is_text_where_the_editor_would_take_it_for_html(platform: NodeRed, prod: Place) -> None:
    platform.set_label(prod.access, "PROD <script>alert(1)</script> & more")
    shown = prod.outside("GET", "/theme").json()["header"]["title"]
    assert shown == "PROD &lt;script&gt;alert(1)&lt;/script&gt; &amp; more"
    assert platform.read_label(prod.access) == "PROD <script>alert(1)</script> & more"
