"""Bytes from anybody: either readable, or one error that says what, where and how to mend it."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
import warnings
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from n8n_sample import as_json, changed, instance, node, orders, package, wire, workflow

from lampway.domain.graph import pictures
from lampway.errors import InvalidPackageError
from lampway.platforms.n8n.package import N8nFormat
from lampway.platforms.nodered.package import NodeRedFormat

FORMAT = N8nFormat()
MANIFEST = {
    "format": "lampway/n8n/1",
    "platform": "n8n",
    "solution": "s",
    "version": "",
    "contains": [],
    "variables": [],
    "connections": [],
    "constants": [],
    "dependencies": [],
}


def zipped(*members, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def packed(*workflows, **manifest):
    listed = [{"id": w["id"], "name": "W"} for w in workflows if isinstance(w, dict) and "id" in w]
    files = [(f"workflows/{i}.json", as_json(w)) for i, w in enumerate(workflows)]
    return zipped(("manifest.json", as_json({**MANIFEST, "contains": listed, **manifest})), *files)


def tarred(*members, manifest=None, kind=tarfile.REGTYPE):
    buffer = io.BytesIO()
    whole = {"packageFormatVersion": "1", **(manifest or {})}
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in (("manifest.json", as_json(whole)), *members):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.type = tarfile.REGTYPE if name == "manifest.json" else kind
            archive.addfile(info, io.BytesIO(content))
    return gzip.compress(buffer.getvalue())


def plain(**more):
    return {"id": "w", "name": "W", "active": False, "tags": [], "settings": {}, "nodes": [], "connections": {}, **more}


def ends(*targets, **more):
    return as_json(plain(nodes=[node("A", "x")], connections={"A": {"main": [list(targets)]}}, **more))


BAD = {
    "empty": (b"", "empty"),
    "text": (b"hello", "neither"),
    "truncated": (package()[:-40], "damaged"),
    "head only": (b"PK\x03\x04", "damaged"),
    "manifest missing": (zipped(("workflows/1.json", b"{}")), "no manifest.json"),
    "stranger inside": (zipped(("manifest.json", b"{}"), ("x", b"")), "does not belong"),
    "climbing": (zipped(("../x", b"")), "unsafe"),
    "twice": (zipped(("workflows/1.json", b"{}"), ("workflows/1.json", b"{}")), "two members"),
    "bomb": (zipped(("workflows/1.json", b" " * 30_000_000), compression=zipfile.ZIP_DEFLATED), "too big"),
    "many members": (zipped(*((f"m{i}", b"") for i in range(10_001))), "10001 members"),
    "not utf-8": (b"[\xff\xfe]", "UTF-8"),
    "not json": (b"[1,", "not valid JSON"),
    "deep": (b"[" * 100_000, "levels deep"),
    "deep but whole": (b"[" * 500 + b"]" * 500, "levels deep"),
    "deep in a node": (as_json(plain()).replace(b"[]", b"[" * 300 + b"]" * 300, 1), "levels deep"),
    "nan": (b"[NaN]", "NaN"),
    "too large": (b'{"nodes": [1e999]}', "too large"),
    "many digits": (b"[" + b"9" * 9999 + b"]", "too large"),
    "no workflow": (b"[]", "no workflow"),
    "list of numbers": (b"[1]", "not an object"),
    "object": (b'{"a": 1}', "`nodes`"),
    "no connections": (b'{"nodes": []}', "`connections`"),
    "nodes is text": (as_json(plain(nodes="x")), "`nodes`"),
    "node is no object": (as_json(plain(nodes=[1])), "not an object"),
    "node without a name": (as_json(plain(nodes=[{"type": "x"}])), "`name`"),
    "node with an empty name": (as_json(plain(nodes=[{"name": "", "type": "x"}])), "`name`"),
    "node without a type": (as_json(plain(nodes=[{"name": "x"}])), "`type`"),
    "id of a node is a number": (as_json(plain(nodes=[{"name": "x", "type": "x", "id": 1}])), "`id`"),
    "parameters is a list": (as_json(plain(nodes=[node("A", "x") | {"parameters": []}])), "`parameters`"),
    "credentials is text": (as_json(plain(nodes=[node("A", "x", credentials="x")])), "`credentials`"),
    "same name": (as_json(plain(nodes=[node("A", "x", "1"), node("A", "x", "2")])), "two nodes have the name"),
    "same id": (as_json(plain(nodes=[node("A", "x", "1"), node("B", "x", "1")])), "two nodes have the id"),
    "name of a workflow is a list": (as_json(plain(name=[])), "`name`"),
    "settings is a list": (as_json(plain(settings=[])), "`settings`"),
    "tags is text": (as_json(plain(tags="x")), "`tags`"),
    "id is a list": (as_json(plain(id=[])), "`id`"),
    "same workflow twice": (as_json([plain(), plain()]), "same id"),
    "connections by list": (as_json(plain(connections={"A": []})), "by kind"),
    "outputs by object": (as_json(plain(connections={"A": {"main": {}}})), "by kind"),
    "ends are text": (as_json(plain(connections={"A": {"main": ["x"]}})), "ends"),
    "end is text": (ends("x"), "without the name"),
    "end without a node": (ends({"type": "main"}), "without the name"),
    "end with an odd type": (ends({"node": "A", "type": 1}), "`type`"),
    "end with an odd index": (ends({"node": "A", "index": 1.5}), "`index`"),
    "no manifest": (zipped(("manifest.json", b"[]")), "format"),
    "future format": (packed(format="lampway/n8n/9"), "format"),
    "wrong type in manifest": (packed(solution=1), "expected"),
    "manifest names nobody": (packed(contains=[{"id": "t", "name": "T"}]), "not in the package"),
    "manifest names one twice": (packed(plain(), contains=[{"id": "w", "name": "W"}] * 2), "listed twice"),
    "not listed": (packed(plain(), contains=[]), "not listed"),
    "two of one id": (packed(plain(), plain(), contains=[{"id": "w", "name": "W"}]), "two workflows have the id"),
    "id is missing": (packed({k: v for k, v in plain().items() if k != "id"}), "`id`"),
    "state inside": (packed(plain(staticData={"a": 1})), "staticData"),
    "own tag inside": (packed(plain(tags=["lampway:x"])), "tags"),
    "credential inside": (packed(plain(nodes=[node("A", "x", credentials={"a": {"id": "1"}})])), "one instance"),
    "gzip of nothing": (gzip.compress(b""), "damaged"),
    "gzip of text": (gzip.compress(b"hello"), "damaged"),
    "gzip cut off": (tarred()[:-20], "damaged"),
    "gzip bomb": (gzip.compress(b"\0" * 70_000_000), "too big"),
    "tar of a newer format": (tarred(manifest={"packageFormatVersion": "2"}), "format"),
    "tar without a workflow": (tarred(), "no workflow"),
    "tar that lacks one": (tarred(manifest={"workflows": [{"target": "workflows/a"}]}), "not in it"),
    "tar that climbs": (tarred(("../x", b"")), "unsafe"),
    "tar with a link": (tarred(("workflows/a/workflow.json", b""), kind=tarfile.SYMTYPE), "no plain file"),
    "tar with one name twice": (tarred(("a", b"1"), ("a", b"2")), "two members"),
}


@pytest.mark.parametrize("case", BAD)
def test_unreadable_bytes_are_refused_with_a_cure(case):
    data, words = BAD[case]
    with pytest.raises(InvalidPackageError, match=words) as caught:
        FORMAT.inspect(data)
    assert caught.value.hint
    assert not FORMAT.recognises(data)


def test_errors_say_where():
    with pytest.raises(InvalidPackageError) as caught:
        FORMAT.inspect(as_json([orders(), plain(nodes=[node("A", "x"), {"name": "B"}])]))
    assert caught.value.where == "file, workflow 2, node 2"


def test_one_connection_of_two_kinds_is_refused():
    nodes = [node("A", "x", credentials={"a": {"name": "Key"}, "b": {"name": "Key"}})]
    with pytest.raises(InvalidPackageError, match=r"connection \*Key\* is asked for as a and b"):
        FORMAT.inspect(packed(plain(nodes=nodes)))


def test_wires_to_nowhere_are_told_and_not_drawn():
    data = as_json(plain(nodes=[node("A", "x")], connections={"A": wire("Gone"), "Ghost": wire("A")}))
    inspection = FORMAT.inspect(data)
    (finding,) = inspection.findings
    assert finding.rule == "loose-wire"
    assert "*A* to *Gone*, *Ghost* to *A*" in finding.summary
    (graph,) = FORMAT.draw(data)
    assert graph.edges == ()


@pytest.mark.parametrize("change", [{"connections": {"A": wire("Gone")}}, {"connections": {"Ghost": wire("A")}}])
def test_a_loose_wire_is_a_change(change):
    old, new = as_json(plain(nodes=[node("A", "x")])), as_json(plain(nodes=[node("A", "x")], **change))
    assert not FORMAT.diff(old, new).is_empty


FLOWS = as_json([{"id": "t", "type": "tab", "label": "T"}, {"id": "n", "type": "inject", "z": "t", "wires": [[]]}])


def test_n8n_and_node_red_are_never_taken_for_each_other():
    red = NodeRedFormat()
    for data in (as_json(orders()), as_json(instance()), as_json({"data": instance()}), package()):
        assert FORMAT.recognises(data)
        assert not red.recognises(data)
    for data in (FLOWS, as_json({"flows": json.loads(FLOWS), "rev": "x"}), zipped(("flows.json", FLOWS))):
        assert not FORMAT.recognises(data)
    assert red.recognises(FLOWS)


@pytest.mark.parametrize("other", [b"{}", b"null", b"PK\x03\x04nope", b'["a"]', b"\x00" * 9, zipped(("a", b"b"))])
def test_packages_of_other_platforms_are_not_recognised(other):
    assert not FORMAT.recognises(other)


def attempt(data):
    """Do everything with these bytes; only our own error may come out."""
    with suppress(InvalidPackageError):
        FORMAT.inspect(data)
        diffs = FORMAT.diff(data, package()), FORMAT.diff(package(), data)
        assert pictures(FORMAT.draw(data), FORMAT.draw(package()), diffs[0]) is not None
        source = FORMAT.unpack(data)
        FORMAT.inspect(FORMAT.pack(source))
        FORMAT.stamp(data, "2")
    FORMAT.recognises(data)


KEYS = st.sampled_from([
    "parameters", "assignments", "values", "fields", "name", "value", "type", "rule", "interval", "item", "field",
    "conditions", "operator", "leftValue", "rightValue", "__rl", "mode", "options", "rules", "outputKey", "jsCode",
    "workflowId", "pollTimes", "mappingMode", "schema", "key", "triggerAtDay", "weekday", "string",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
TYPES = st.sampled_from([
    "set", "code", "if", "switch", "scheduleTrigger", "cron", "interval", "executeWorkflow", "stickyNote", "filter",
    "splitInBatches", "httpRequest",
])  # fmt: skip


@given(parameters=st.dictionaries(KEYS, JSON, max_size=4), other=JSON, type_=TYPES, key=KEYS)
@settings(max_examples=300)
def test_whatever_is_in_a_node_it_is_read_compared_and_drawn(parameters, other, type_, key):
    def built(parameters, **more):
        one = node("Configuration", type_, parameters=parameters, **more)
        return as_json([plain(nodes=[one, node("B", "x")], connections={"Configuration": wire("B")})])

    old = built(parameters)
    new = built({**parameters, key: other}, position=other, typeVersion=other, onError=other, notes=other)
    FORMAT.inspect(old)
    diff = FORMAT.diff(old, new)
    assert all(edit.summary for change in diff.changed for edit in change.edits)
    pictures(FORMAT.draw(old), FORMAT.draw(new), diff)


@given(key=st.sampled_from(sorted(orders())), value=JSON)
@settings(max_examples=150)
def test_whatever_stands_in_a_workflow_nothing_but_our_own_error_comes_out(key, value):
    attempt(as_json({**orders(), key: value}))


@given(key=st.sampled_from(sorted(node("A", "x", credentials={}, onError="", webhookId=""))), value=JSON)
@settings(max_examples=150)
def test_whatever_stands_in_a_node_nothing_but_our_own_error_comes_out(key, value):
    attempt(as_json(changed("ERP", **{key: value})))


@given(data=st.data())
@settings(max_examples=100)
def test_no_flipped_byte_brings_anything_else_out(data):
    for whole in (
        package(),
        gzip.compress(as_json(orders())),
        tarred(("workflows/a/workflow.json", as_json(orders()))),
    ):
        at = data.draw(st.integers(0, len(whole) - 1))
        attempt(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])


@given(st.binary(max_size=60).map(lambda tail: b"\x1f\x8b" + tail) | st.binary(max_size=60))
def test_no_bytes_bring_anything_else_out(data):
    attempt(data)


def test_what_n8n_itself_packs_is_read():
    files = [(f"workflows/{w['name'].lower()}-{w['id']}/workflow.json", as_json(w)) for w in instance()]
    listed = [
        {"id": w["id"], "name": w["name"], "target": name.rpartition("/")[0]}
        for w, (name, _) in zip(instance(), files, strict=True)
    ]
    data = tarred(*files, ("credentials/erp-1/credential.json", b"{}"), manifest={"workflows": listed[::-1]})
    found = FORMAT.inspect(data).inventory
    assert [c.name for c in found.components if c.type == "workflow"] == ["Orders", "Stock", "Price"]
    assert FORMAT.recognises(data)


@pytest.mark.parametrize(
    "text",
    [
        "$('" + "\\" * 200_000,
        "$('" * 50_000,
        "={{" * 50_000,
        "={{" + "}" * 50_000 + '"' * 50_000,
        "$vars[" + " " * 200_000,
        "$( " * 50_000,
        "={{ " + "'" * 100_000,
    ],
)
def test_no_text_keeps_a_reader_busy(text):
    data = as_json(plain(nodes=[node("A", "x", parameters={"text": text})]))
    start = time.perf_counter()
    FORMAT.inspect(data)
    FORMAT.diff(data, package())
    FORMAT.diff(data, as_json(plain(nodes=[node("A", "x", parameters={"text": text + "x"})])))
    assert time.perf_counter() - start < 10


def test_a_workflow_that_calls_itself_in_a_ring_is_read():
    ring = [
        workflow("A", [node("X", "executeWorkflow", parameters={"workflowId": "BId16Chars"})]),
        workflow("B", [node("X", "executeWorkflow", parameters={"workflowId": "AId16Chars"})]),
    ]
    assert not [d for d in FORMAT.inspect(as_json(ring)).inventory.dependencies if d.kind == "workflow"]


def test_secrets_typed_into_workflows_are_in_no_message():
    secret = "sk_live_4711aaaabbbbccccdddd"
    data = as_json(changed("ERP", parameters={"url": secret, "headers": {"parameters": [{"name": secret}]}}))
    for broken in (data[:-1], data.replace(b'"Sum"', b'"ERP"', 1)):
        with pytest.raises(InvalidPackageError) as caught:
            FORMAT.inspect(broken)
        assert secret not in f"{caught.value} {caught.value.hint}"
