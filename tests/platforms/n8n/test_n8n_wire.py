"""What is sent to an instance, and when two drafts are the same one."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.platforms.n8n.exports import read_own_package
from lampway.platforms.n8n.wire import (
    REFUSED,
    body_of,
    called_first,
    draft_digest,
    is_same_draft,
    pack_for_import,
    running_digest,
    stuck_settings,
)

Json = dict[str, Any]


def workflow(id_: str, *calls: str, **settings: Any) -> Json:
    nodes = [
        {
            "id": f"{id_}-{index}",
            "name": f"Call {index}",
            "type": "n8n-nodes-base.executeWorkflow",
            "typeVersion": 1.2,
            "position": [0, 0],
            "parameters": {"workflowId": {"__rl": True, "mode": "list", "value": called}},
        }
        for index, called in enumerate(calls)
    ]
    return {"id": id_, "name": id_, "active": True, "nodes": nodes, "connections": {}, "settings": settings}


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=12))
def test_called_workflows_come_before_those_that_call_them_and_none_is_lost(calls: list[tuple[str, str]]) -> None:
    """Where they call each other in a circle there is no such order, and still none is lost."""
    listed = [workflow(name, *[called for caller, called in calls if caller == name]) for name in "abcdef"]
    ordered = [one["id"] for one in called_first(listed)]
    assert sorted(ordered) == list("abcdef")
    reach = {name: {called for caller, called in calls if caller == name} for name in "abcdef"}
    for _ in "abcdef":
        reach = {name: there.union(*(reach[one] for one in there)) for name, there in reach.items()}
    for caller, called in calls:
        if caller not in reach[called]:
            assert ordered.index(called) < ordered.index(caller)


def test_a_setting_that_must_go_is_set_to_what_it_is_by_default() -> None:
    """For n8n merges settings into those that are there."""
    live = workflow("a", timezone="Asia/Tokyo", errorWorkflow="b", executionOrder="v1")
    assert body_of(workflow("a", executionOrder="v1"), live)["settings"] == {
        "timezone": "DEFAULT",
        "errorWorkflow": "DEFAULT",
        "executionOrder": "v1",
    }
    assert stuck_settings(workflow("a"), workflow("a", timeSavedPerExecution=5, timezone="x")) == [
        "timeSavedPerExecution"
    ]


@pytest.mark.parametrize(
    ("changes", "is_other"),
    [
        ({}, False),
        ({"position": [7, 7]}, False),
        ({"notes": "why"}, False),
        ({"webhookId": "made up by n8n"}, False),
        ({"parameters": {"a": 1}}, True),
        ({"disabled": True}, True),
        ({"credentials": {"kind": {"id": "2", "name": "ERP"}}}, True),
    ],
)
def test_a_digest_tells_what_runs_and_not_how_it_lies(changes: Json, *, is_other: bool) -> None:
    packaged = workflow("a", "b")
    packaged["nodes"][0]["credentials"] = {"kind": {"id": "1", "name": "ERP"}}
    live = {**packaged, "nodes": [{**packaged["nodes"][0], **changes}]}
    for tell in (draft_digest, running_digest):
        assert (tell(live, packaged) != tell(packaged, packaged)) is is_other


def test_the_name_of_a_credential_counts_for_nothing_and_its_id_does() -> None:
    one, other = workflow("a", "b"), workflow("a", "b")
    one["nodes"][0]["credentials"] = {"kind": {"id": "1", "name": "ERP"}}
    other["nodes"][0]["credentials"] = {"kind": {"id": "1", "name": "renamed"}}
    assert running_digest(one, None) == running_digest(other, None)


def test_settings_that_are_as_usual_are_no_other_draft() -> None:
    usual = workflow("a", timezone="DEFAULT", callerPolicy="workflowsFromSameOwner", executionOrder="v1")
    assert draft_digest(usual, None) == draft_digest(workflow("a", executionOrder="v1"), None)
    assert draft_digest(usual, None) != draft_digest(workflow("a"), None)


def test_what_lies_elsewhere_on_the_canvas_is_saved_again() -> None:
    body = body_of(workflow("a", "b"), None)
    assert is_same_draft(body, {**workflow("a", "b"), "active": False, "versionId": "1"})
    moved = workflow("a", "b")
    moved["nodes"][0]["position"] = [1, 1]
    assert not is_same_draft(body, moved)


def test_a_package_for_n8n_is_the_same_for_the_same_workflows_and_publishes_none() -> None:
    bodies = [body_of(workflow("a", "b"), None), body_of(workflow("b"), None)]
    package = pack_for_import(bodies)
    assert package == pack_for_import(bodies)
    assert [one["id"] for one in read_own_package(package)] == ["a", "b"]
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        told = {m.name: json.load(archive.extractfile(m)) for m in archive.getmembers()}  # type: ignore[arg-type]
    assert "requirements" not in told["manifest.json"]
    metadata = [content for name, content in told.items() if name.endswith("metadata.json")]
    assert [one["publishedVersionId"] for one in metadata] == [None, None]


def test_a_package_that_must_be_refused_asks_for_what_no_instance_has() -> None:
    package = pack_for_import([body_of(workflow("a"), None)], refused=True)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
    (asked,) = manifest["requirements"]["credentials"]
    assert (asked["id"], asked["type"], asked["usedByWorkflows"]) == (REFUSED, REFUSED, ["a"])
