"""What deploying to a real n8n must keep beyond what every platform must: drafts, credentials, refusals, going live."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from n8nkit import KIND, Json, Maker, chain, fields, n8n, node, orders, tax_of

from lampway.app import cache_folder
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.abilities import LockState
from lampway.engine.platform import Found, Installed, Progress, Wanted
from lampway.errors import ConflictError, PlatformError, PlatformRefusedError, UsageError
from lampway.platforms.n8n.package import build_package
from lampway.platforms.n8n.plan import PUBLISH, SAVE
from lampway.platforms.n8n.platform import N8n
from lampway.testing.sample import Apply, Sample

ORDERS = Scope("orders", contains=("Orders", "Orders tax"))


@pytest.fixture
def platform() -> N8n:
    return n8n()


@pytest.fixture
def sample(prod: Maker) -> Sample:
    return Sample(ORDERS, {"ERP_URL": "https://erp.prod.test"}, {"ERP": {"connection": prod.credential}})


@pytest.fixture
def apply(platform: N8n, prod: Maker) -> Apply:
    return Apply(platform, prod.access, time.sleep)


def release(platform: N8n, dev: Maker, version: int) -> bytes:
    dev.build(version)
    exported = platform.export(dev.access, ORDERS, {"orders": ORDERS}).package
    return platform.format.stamp(exported, f"{version}.0.0")


def wanting(package: bytes, **more: Any) -> Wanted:
    whole: dict[str, Any] = {"solution": "lamps", "version": "1.0.0", "package": package, "secrets": {}}
    return Wanted(**{**whole, "configuration": ConfigurationSet(), **more})


def lamps(*workflows: Json) -> bytes:
    listed = [{"id": f"lamps-{w['name'].lower()}", "active": True, **w} for w in workflows]
    return build_package(listed, Scope("lamps", contains=tuple(w["name"] for w in workflows)))


def hooked(name: str, path: str) -> Json:
    hook = node("Hook", "n8n-nodes-base.webhook", 2, {"path": path, "responseMode": "lastNode"}, webhookId=path)
    nodes = [hook, node("Answer", "n8n-nodes-base.set", 3.4, fields(text=name))]
    return {"name": name, "nodes": nodes, "connections": chain("Hook", "Answer"), "settings": {"executionOrder": "v1"}}


def untriggered(name: str) -> Json:
    return {"name": name, "nodes": [node("Rest", "n8n-nodes-base.noOp", 1, {})], "connections": {}, "settings": {}}


@pytest.mark.parametrize("signs_in", [True, False])
def test_what_is_said_to_be_deployed_is_live(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, *, signs_in: bool
) -> None:
    """At the very first call: the first version, the next one, and the way back; with a key alone, too."""
    first, second = release(platform, dev, 1), release(platform, dev, 2)
    apply = Apply(platform, prod.access if signs_in else prod.key_only, time.sleep)
    apply(sample.wanted(first))
    assert prod.answer("version 1")["url"] == "https://erp.prod.test"
    apply(sample.wanted(second, first))
    prod.answer("version 2")
    assert prod.workflows()["Orders"]["settings"]["timezone"] == "Europe/Berlin"
    apply(sample.wanted(first, second))
    prod.answer("version 1")
    assert "timezone" not in prod.workflows()["Orders"]["settings"]


def test_workflows_keep_their_ids_and_call_each_other(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    apply(sample.wanted(release(platform, dev, 1)))
    ours, theirs = dev.workflows(), prod.workflows()
    assert {name: theirs[name]["id"] for name in sample.scope.contains} == {
        name: ours[name]["id"] for name in sample.scope.contains
    }
    called = next(n for n in theirs["Orders"]["nodes"] if n["name"] == "Tax")["parameters"]["workflowId"]["value"]
    assert called == theirs["Orders tax"]["id"]


def test_an_edit_between_look_and_change_is_not_overwritten(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    first, second = release(platform, dev, 1), release(platform, dev, 2)
    apply(sample.wanted(first))
    wanted = sample.wanted(second, first)
    intent = platform.intend(prod.access, wanted, SAVE)
    prod.edit()
    edited = prod.contents()
    with pytest.raises(ConflictError, match="no longer those"):
        platform.perform(prod.access, wanted, SAVE, intent)
    assert prod.contents() == edited


def test_a_draft_saved_between_the_steps_is_not_published(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    first, second = release(platform, dev, 1), release(platform, dev, 2)
    apply(sample.wanted(first))
    wanted = sample.wanted(second, first)
    apply.perform(wanted, SAVE, platform.intend(prod.access, wanted, SAVE))
    intent = platform.intend(prod.access, wanted, PUBLISH)
    prod.change("Orders", "Answer", publish=False, parameters=fields(text="sneaked in", url="no"))
    with pytest.raises(ConflictError, match="drafts"):
        platform.perform(prod.access, wanted, PUBLISH, intent)
    prod.answer("version 1")


def test_while_drafts_are_saved_what_runs_goes_on(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    """And after a crash between the two steps it can be told where it stands."""
    first, second = release(platform, dev, 1), release(platform, dev, 2)
    apply(sample.wanted(first))
    wanted = sample.wanted(second, first)
    saved, published = (platform.intend(prod.access, wanted, step) for step in (SAVE, PUBLISH))
    apply.perform(wanted, SAVE, saved)
    prod.answer("version 1")
    assert platform.look_up(prod.access, wanted, SAVE, saved) is Found.REACHED
    assert platform.look_up(prod.access, wanted, PUBLISH, published) is Found.UNTOUCHED


def test_what_n8n_refuses_to_publish_takes_back_what_was_published_before(
    platform: N8n, prod: Maker, apply: Apply
) -> None:
    package = lamps(hooked("Bulb", "bulb"), untriggered("Rest"))
    wanted = wanting(package)
    assert platform.plan(prod.access, wanted).problems == ()
    apply.perform(wanted, SAVE, platform.intend(prod.access, wanted, SAVE))
    intent = platform.intend(prod.access, wanted, PUBLISH)
    with pytest.raises(PlatformRefusedError, match="refuses"):
        platform.perform(prod.access, wanted, PUBLISH, intent)
    assert [w["active"] for w in prod.workflows().values()] == [False, False]
    assert platform.look_up(prod.access, wanted, PUBLISH, intent) is Found.UNTOUCHED
    apply(wanting(lamps(hooked("Bulb", "bulb"), hooked("Rest", "rest"))))
    prod.answer("Rest", "rest")


def test_a_step_cut_off_between_two_workflows_is_told_as_unclear(platform: N8n, prod: Maker, apply: Apply) -> None:
    """A person says then; nothing is guessed."""
    wanted = wanting(lamps(hooked("Bulb", "bulb"), hooked("Shade", "shade")))
    apply.perform(wanted, SAVE, platform.intend(prod.access, wanted, SAVE))
    intent = platform.intend(prod.access, wanted, PUBLISH)
    prod.ask("POST", "/workflows/lamps-bulb/publish", json={})
    assert platform.look_up(prod.access, wanted, PUBLISH, intent) is Found.UNCLEAR


def test_an_address_that_another_workflow_answers_is_a_problem_of_the_plan(platform: N8n, prod: Maker) -> None:
    prod.put(hooked("Someone", "bulb"))
    (problem,) = platform.plan(prod.access, wanting(lamps(hooked("Bulb", "bulb")))).problems
    assert "GET bulb" in problem.summary
    assert "Someone" in problem.summary


def test_a_name_that_a_stranger_has_is_a_problem_of_the_plan(platform: N8n, prod: Maker) -> None:
    prod.put(untriggered("Bulb"), publish=False)
    (problem,) = platform.plan(prod.access, wanting(lamps(hooked("Bulb", "bulb")))).problems
    assert "another workflow *Bulb*" in problem.summary


@pytest.mark.parametrize(
    ("given", "told"),
    [(None, "gets no credential"), ("nothing-has-this-id", "is not there"), ("oauth", "is given a credential of type")],
)
def test_a_credential_that_is_not_there_is_a_problem_of_the_plan(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, given: str | None, told: str
) -> None:
    """n8n itself would take any id, and fail when it runs."""
    first = release(platform, dev, 1)
    chosen = given
    if given == "oauth":
        body = {"name": "Other", "type": "httpBasicAuth", "data": {"user": "a", "password": "b"}}
        chosen = prod.ask("POST", "/credentials", json=body)["id"]
    secrets = {"ERP": {"connection": Secret(chosen)}} if chosen else {}
    (problem,) = platform.plan(prod.access, replace(sample.wanted(first), secrets=secrets)).problems
    assert told in problem.summary
    assert problem.hint


def test_a_value_that_nothing_gives_is_a_problem_of_the_plan(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample
) -> None:
    wanted = sample.wanted(release(platform, dev, 1))
    for given in ({}, {"ERP_URL": {"external": True}}):
        configuration = replace(wanted.configuration, variables=given)
        (problem,) = platform.plan(prod.access, replace(wanted, configuration=configuration)).problems
        assert "ERP_URL" in problem.summary


def test_a_workflow_that_it_calls_and_nobody_has_is_a_problem_of_the_plan(platform: N8n, prod: Maker) -> None:
    caller = orders("Lamp", 1, "https://x.test", "tax-of-nobody", "")
    problems = platform.plan(prod.access, wanting(lamps(caller))).problems
    assert any("tax-of-nobody" in problem.summary for problem in problems)


def test_what_others_call_is_not_taken_away(platform: N8n, prod: Maker, apply: Apply) -> None:
    package = lamps({**tax_of("Lamp"), "name": "Lamp tax", "id": "lamps-tax"})
    apply(wanting(package))
    prod.put(orders("Caller", 1, "https://x.test", "lamps-tax", ""))
    wanted = replace(wanting(package, installed=package), package=None)
    (problem,) = platform.plan(prod.access, wanted).problems
    assert "Lamp tax" in problem.summary
    assert "Caller" in problem.summary


def test_a_workflow_that_a_version_no_longer_has_is_deleted(platform: N8n, prod: Maker, apply: Apply) -> None:
    both, one = lamps(hooked("Bulb", "bulb"), hooked("Shade", "shade")), lamps(hooked("Bulb", "bulb"))
    apply(wanting(both))
    prod.answer("Shade", "shade")
    apply(wanting(one, installed=both))
    assert sorted(prod.workflows()) == ["Bulb"]
    prod.answer("Bulb", "bulb")
    assert httpx.get(f"{prod.url}/webhook/shade", timeout=10).status_code == 404


def seen(platform: N8n, prod: Maker, package: bytes, sample: Sample, connection: str = "") -> str:
    """Return everything that is told about what was edited."""
    given = {"ERP": {"connection": connection}} if connection else sample.configuration.connections
    installed = Installed(package, replace(sample.configuration, connections=given))
    observed = platform.observe(prod.access, {"orders": installed}).solutions["orders"]
    return "\n".join([*observed.definition.summaries(), *(f"{e.path}: {e.summary}" for e in observed.configuration)])


def test_every_way_of_editing_live_is_drift_and_told_in_words(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    """A draft, an older version published, a setting, a name, another credential, one that was deleted."""
    first, second = release(platform, dev, 1), release(platform, dev, 2)
    apply(sample.wanted(first))
    assert seen(platform, prod, first, sample) == ""
    prod.change("Orders", "Answer", publish=False, parameters=fields(text="draft", url="no"))
    assert seen(platform, prod, first, sample) == (
        "workflow *Orders*: a draft was saved and not published: what runs is not what the editor shows"
    )
    older = prod.workflows()["Orders"]["activeVersionId"]
    apply(sample.wanted(second, first))
    prod.ask("POST", f"/workflows/{prod.workflows()['Orders']['id']}/publish", json={"versionId": older})
    assert "another version is published than the one that was deployed" in seen(platform, prod, second, sample)
    apply(sample.wanted(second, second))
    assert seen(platform, prod, second, sample) == ""
    held = prod.workflows()["Orders"]
    body = {key: held[key] for key in ("name", "nodes", "connections")}
    settings = {**held["settings"], "timezone": "Asia/Tokyo"}
    prod.ask("PUT", f"/workflows/{held['id']}", json={**body, "settings": settings})
    assert "Asia/Tokyo" in seen(platform, prod, second, sample)
    prod.ask("PUT", f"/workflows/{held['id']}", json={**body, "name": "Mine", "settings": held["settings"]})
    assert "Mine" in seen(platform, prod, second, sample)
    apply(sample.wanted(second, second))
    other = prod.make_credential("Another")
    prod.change("Orders", "Tell", credentials={KIND: {"id": other, "name": "Another"}})
    told = seen(platform, prod, second, sample, prod.credential)
    assert "connection ERP: another credential is chosen than the one that was given" in told
    prod.ask("DELETE", f"/credentials/{other}")
    assert "connection ERP: the credential that was chosen is no longer there" in seen(platform, prod, second, sample)


def test_a_name_that_two_workflows_have_is_refused(platform: N8n, dev: Maker) -> None:
    for _ in range(2):
        dev.ask("POST", "/workflows", json=untriggered("Twice"))
    with pytest.raises(UsageError, match="2 workflows are named"):
        platform.export(dev.access, Scope("twice", contains=("Twice",)), {})


def test_an_export_tells_which_credentials_are_chosen(platform: N8n, dev: Maker) -> None:
    dev.build(1)
    dev.change("Orders", "Answer", publish=False, parameters=fields(text="draft", url="no"))
    export = platform.export(dev.access, ORDERS, {"orders": ORDERS})
    assert dict(export.bindings or {}) == {"ERP": dev.credential}
    assert dict(export.values) == {"ERP_URL": "https://erp.dev.test"}
    assert any("saved since it was published" in note for note in export.notes)


def test_a_key_that_may_only_read_is_told_what_it_lacks(platform: N8n, dev: Maker, prod: Maker, sample: Sample) -> None:
    access = prod.key_with("workflow:list", "workflow:read")
    rights = platform.probe(access)
    assert (rights.can_read, rights.can_deploy) == (True, False)
    assert any("workflow:import" in sentence for sentence in rights.missing)
    assert any("credential:list" in sentence for sentence in rights.missing)
    plan = platform.plan(access, sample.wanted(release(platform, dev, 1)))
    assert "may not deploy" in plan.problems[0].summary
    assert any("cannot be seen" in note for note in plan.notes)
    assert platform.observe(access, {}).solutions == {}


def test_the_lock_is_seen_with_the_makers_account(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    apply(sample.wanted(release(platform, dev, 1)))
    member = replace(prod.access, credentials=prod.launched.maker_credentials)
    locked = platform.observe_lock(prod.access, member)
    assert locked.state is LockState.PARTIAL
    assert "member" in locked.summary
    assert platform.observe_lock(prod.access, prod.access).state is LockState.OPEN
    assert platform.observe_lock(prod.access, None).state is LockState.UNKNOWN
    wrong = {**member.credentials, "password": Secret("not-this-one")}
    assert platform.observe_lock(prod.access, replace(member, credentials=wrong)).state is LockState.UNKNOWN


def test_what_was_edited_while_it_was_off_is_not_switched_on(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    first = release(platform, dev, 1)
    apply(sample.wanted(first))
    here = Installed(first, sample.configuration)
    platform.deactivate(prod.access, here)
    prod.change("Orders", "Answer", publish=False, parameters=fields(text="sneaked in", url="no"))
    with pytest.raises(ConflictError, match="edited while it was off"):
        platform.activate(prod.access, here)
    assert not prod.runs()


def test_runs_are_counted_and_the_last_one_is_known(
    platform: N8n, dev: Maker, prod: Maker, sample: Sample, apply: Apply
) -> None:
    first = release(platform, dev, 1)
    apply(sample.wanted(first))
    here = Installed(first, sample.configuration)
    since = "2020-01-01T00:00:00.000+00:00"
    assert platform.count_executions(prod.access, here, since).total == 0
    prod.answer("version 1")
    end = time.monotonic() + 5
    while (counted := platform.count_executions(prod.access, here, since)).total < 2 and time.monotonic() < end:
        time.sleep(0.1)
    assert (counted.total, counted.failed) == (2, 0), "the workflow and the one it calls"
    assert platform.count_executions(prod.access, here, "2999-01-01T00:00:00.000+00:00").total == 0
    assert platform.tell_usage(prod.access, here).last_run


def test_what_was_started_is_found_again(platform: N8n, prod: Maker, instances: tuple[Maker, Maker]) -> None:
    """With its accounts; its file is readable by its owner only."""
    del instances
    home = Path(f"/proc/{prod.launched.pid}/environ").read_bytes().split(b"\0")
    folder = Path(next(e for e in home if e.startswith(b"N8N_USER_FOLDER=")).decode().partition("=")[2])
    state = folder / "lampway.json"
    assert state.stat().st_mode & 0o077 == 0
    assert json.loads(state.read_text())["pid"] == prod.launched.pid
    assert platform.launch(folder, name="prod", locked=True, cache=cache_folder()) == prod.launched
    with pytest.raises(PlatformError, match="another lock"):
        platform.launch(folder, name="prod", locked=False, cache=cache_folder())


def test_a_draft_that_n8n_refuses_takes_back_those_that_were_saved_before(
    platform: N8n, prod: Maker, apply: Apply
) -> None:
    package = lamps(hooked("Bulb", "bulb"), hooked("Shade", "shade"))
    apply(wanting(package))
    before = prod.contents()
    changed = {**hooked("Bulb", "bulb"), "settings": {"executionOrder": "v1", "timezone": "Europe/Berlin"}}
    odd = {**hooked("Shade", "shade"), "connections": chain("Hook", "Nobody")}
    wanted = wanting(lamps(changed, odd), installed=package)
    intent = platform.intend(prod.access, wanted, SAVE)
    with pytest.raises(PlatformRefusedError):
        platform.perform(prod.access, wanted, SAVE, intent)
    assert prod.contents() == before
    assert platform.look_up(prod.access, wanted, SAVE, intent) is Found.UNTOUCHED


def test_a_trigger_that_cannot_start_is_told_and_not_taken_for_live(platform: N8n, prod: Maker, apply: Apply) -> None:
    """n8n says yes to the publishing; that it does not run is found a moment later."""
    mqtt = {"name": "Broker", "type": "mqtt", "data": {"protocol": "mqtt", "host": "127.0.0.1", "port": 9}}
    broker = prod.ask("POST", "/credentials", json={**mqtt, "data": {**mqtt["data"], "ssl": False}})["id"]
    listen = node("Listen", "n8n-nodes-base.mqttTrigger", 1, {"topics": "lamps", "options": {}})
    listen["credentials"] = {"mqtt": {"id": broker, "name": "Broker"}}
    package = lamps({"name": "Deaf", "nodes": [listen], "connections": {}, "settings": {"executionOrder": "v1"}})
    wanted = wanting(package, secrets={"Broker": {"connection": Secret(broker)}})
    apply.perform(wanted, SAVE, platform.intend(prod.access, wanted, SAVE))
    outcome = platform.perform(prod.access, wanted, PUBLISH, platform.intend(prod.access, wanted, PUBLISH))
    assert outcome.progress is Progress.FAILED
    assert "*Deaf* was published and does not run" in outcome.detail["message"]
