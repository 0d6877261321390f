"""Bytes from anybody: either readable, or one error that says what, where and how to mend it."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nodered_sample import as_json, changed, flows, node, package

from lampway.errors import InvalidPackageError
from lampway.platforms.nodered.package import NodeRedFormat

FORMAT = NodeRedFormat()
MANIFEST = {
    "format": "lampway/node-red/1",
    "platform": "node-red",
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


def packed(flows_, **manifest):
    return zipped(("manifest.json", as_json({**MANIFEST, **manifest})), ("flows.json", as_json(flows_)))


def with_flag(data, flag):
    """Set a general-purpose flag in every header."""
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(mark)
        while start >= 0:
            here = start + offset
            bits = struct.unpack_from("<H", data, here)[0] | flag
            data = data[:here] + struct.pack("<H", bits) + data[here + 2 :]
            start = data.find(mark, start + 4)
    return data


def lying_about_size():
    data = zipped(("manifest.json", b"{}"), ("flows.json", b"[]" + b" " * 5000), compression=zipfile.ZIP_DEFLATED)
    return data.replace(struct.pack("<I", 5002), struct.pack("<I", 12))


TAB = {"id": "t", "type": "tab", "label": "T"}
BAD = {
    "empty": (b"", "empty"),
    "text": (b"hello", "neither"),
    "truncated": (package()[:-40], "damaged"),
    "head only": (b"PK\x03\x04", "damaged"),
    "flows missing": (zipped(("manifest.json", b"{}")), "no flows.json"),
    "stranger inside": (zipped(("manifest.json", b"{}"), ("flows.json", b"[]"), ("x", b"")), "does not belong"),
    "absolute": (zipped(("/etc/x", b"")), "unsafe"),
    "climbing": (zipped(("../x", b"")), "unsafe"),
    "backslash": (zipped(("a\\b", b"")), "unsafe"),
    "drive": (zipped(("c:x", b"")), "unsafe"),
    "twice": (zipped(("flows.json", b"[]"), ("flows.json", b"[]")), "two members"),
    "twice but for case": (zipped(("flows.json", b"[]"), ("Flows.json", b"[]")), "two members"),
    "encrypted": (with_flag(package(), 1), "encrypted"),
    "bzip2": (zipped(("flows.json", b"[]"), compression=zipfile.ZIP_BZIP2), "unusual"),
    "bomb": (zipped(("flows.json", b" " * 30_000_000), compression=zipfile.ZIP_DEFLATED), "too big"),
    "lying bomb": (lying_about_size(), "damaged|too big"),
    "many members": (zipped(*((f"m{i}", b"") for i in range(10_001))), "10001 members"),
    "not utf-8": (b"[\xff\xfe]", "UTF-8"),
    "not json": (b"[1,", "not valid JSON"),
    "deep": (b"[" * 100_000, "levels deep"),
    "deep but whole": (b"[" * 500 + b"]" * 500, "levels deep"),
    "nan": (b"[NaN]", "NaN"),
    "infinity": (b"[-Infinity]", "Infinity"),
    "too large": (b"[1e999]", "too large"),
    "many digits": (b"[" + b"9" * 9999 + b"]", "too large"),
    "object": (b'{"a": 1}', "without a list"),
    "node is no object": (b"[1]", "not an object"),
    "no id": (b'[{"type": "tab"}]', "`id` is missing"),
    "id is a number": (b'[{"id": 1, "type": "tab"}]', "`id` is missing"),
    "type is null": (b'[{"id": "a", "type": null}]', "`type` is missing"),
    "same id": (as_json([TAB, TAB]), "two nodes have the id"),
    "z is a list": (as_json([node("n", "x", z=[])]), "`z`"),
    "wires is text": (as_json([node("n", "x", wires="ab")]), "`wires`"),
    "wires of numbers": (as_json([node("n", "x", wires=[[1]])]), "`wires`"),
    "env is text": (as_json([{**TAB, "env": "x"}]), "`env`"),
    "env without name": (as_json([{**TAB, "env": [{"value": "x"}]}]), "`env`"),
    "no manifest": (zipped(("manifest.json", b"[]"), ("flows.json", b"[]")), "format"),
    "future format": (packed([], format="lampway/node-red/9"), "format"),
    "wrong type in manifest": (packed([], solution=1), "expected"),
    "manifest names nobody": (packed([], contains=[{"id": "t", "label": "T"}]), "not in flows.json"),
    "credentials inside": (packed([{**TAB, "credentials": {"a": "b"}}]), "carries credentials"),
    "value inside": (packed([{**TAB, "env": [{"name": "A", "type": "str", "value": "v"}]}]), "carries a value"),
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
        FORMAT.inspect(as_json([TAB, {"type": "x"}]))
    assert caught.value.where == "file, node 2"


def test_a_node_on_a_tab_that_is_not_there_is_noted():
    notes = FORMAT.inspect(as_json([node("n", "x", z="gone"), node("s", "subflow:gone", z="gone")])).inventory.notes
    assert any("2 nodes are on a tab that is not in the file" in note for note in notes)
    assert any("subflow:gone is used" in note for note in notes)


@pytest.mark.parametrize(
    "other", [b'{"nodes": [], "connections": {}}', b"PK\x03\x04nope", b"[]", b'["a"]', b"\x00" * 9, zipped(("a", b"b"))]
)
def test_packages_of_other_platforms_are_not_recognised(other):
    assert not FORMAT.recognises(other)


def attempt(data):
    """Do everything with these bytes; only our own error may come out."""
    try:
        FORMAT.inspect(data)
        FORMAT.diff(data, package())
        FORMAT.diff(package(), data)
        source = FORMAT.unpack(data)
        FORMAT.inspect(FORMAT.pack(source))
        FORMAT.stamp(data, "2")
    except InvalidPackageError:
        pass
    FORMAT.recognises(data)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_never_cause_another_error(data):
    whole = bytearray(package())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    attempt(bytes(whole[:cut] if data.draw(st.booleans()) else whole))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({key for one in flows() for key in one} | {"rules", "props", "libs", "links", "scope", "repeat", "once"})
TYPES = ["inject", "change", "switch", "function", "template", "link in", "link out", "tab", "group", "subflow", "exec"]
ITEM = st.dictionaries(st.sampled_from(["t", "p", "v", "vt", "to", "tot", "name", "value", "type", "keyType"]), JSON)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_wrong_types_anywhere_never_cause_another_error(data):
    nodes = flows()
    for _ in range(data.draw(st.integers(1, 5))):
        victim = nodes[data.draw(st.integers(0, len(nodes) - 1))]
        value = JSON | st.lists(ITEM, max_size=3) | st.sampled_from(["n1", "t1", "g1", "s1", "env", "group"])
        victim[data.draw(st.sampled_from(KEYS))] = data.draw(value)
        if data.draw(st.booleans()):
            victim["type"] = data.draw(st.sampled_from(TYPES))
    attempt(json.dumps(nodes).encode())
    attempt(packed(nodes))


@given(st.dictionaries(st.sampled_from(sorted(MANIFEST)), JSON | st.lists(ITEM, max_size=2), max_size=3))
@settings(max_examples=100, deadline=None)
def test_a_broken_manifest_never_causes_another_error(manifest):
    attempt(packed([TAB], **manifest))


@given(path=st.sampled_from(sorted(FORMAT.unpack(package()))), content=st.binary(max_size=20) | JSON.map(as_json))
@settings(max_examples=100, deadline=None)
def test_broken_source_never_causes_another_error(path, content):
    source = {**FORMAT.unpack(package()), path: content}
    with suppress(InvalidPackageError):
        FORMAT.inspect(FORMAT.pack(source))


@pytest.mark.parametrize("path", ["../x", "/x", "a\\b", "c:/x", "tabs//x"])
def test_source_paths_that_leave_the_folder_are_refused(path):
    with pytest.raises(InvalidPackageError, match="unsafe"):
        FORMAT.pack({**FORMAT.unpack(package()), path: b""})


def test_groups_in_a_circle_are_read():
    nodes = [*changed("g1", g="g2"), {"id": "g2", "type": "group", "z": "t1", "g": "g1", "env": []}]
    assert FORMAT.inspect(as_json(nodes)).inventory.components


SLOW = [
    "a" * 400_000,
    "${" * 200_000,
    "\n" * 400_000,
    "{{" * 200_000,
    "'" * 400_000,
    "env.get(" * 50_000,
    "x='" * 100_000,
]


@pytest.mark.parametrize("text", SLOW)
@pytest.mark.timeout(20)
def test_no_text_keeps_a_reader_busy(text):
    nodes = [node("n", "function", func=text, url=text, p=text, pType="env", rules=[{"to": text, "tot": "env"}])]
    other = [{**nodes[0], "func": text + "1", "url": text + "2", "p": text[1:], "q": text}]
    assert FORMAT.diff(as_json(nodes), as_json(other)).changed


@pytest.mark.timeout(20)
def test_subflows_that_multiply_are_read():
    nodes = [{"id": "s0", "type": "subflow"}, node("n", "x", z="s0", p="${A}")]
    for level in range(1, 40):
        nodes.append({"id": f"s{level}", "type": "subflow"})
        nodes += [node(f"i{level}{copy}", f"subflow:s{level - 1}", z=f"s{level}") for copy in "ab"]
    nodes += [{"id": "t", "type": "tab"}, node("i", "subflow:s39", z="t")]
    assert [v.name for v in FORMAT.inspect(as_json(nodes)).inventory.variables] == ["A"]
