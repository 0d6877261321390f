"""Bytes from anybody: either readable, or one error that says what, where and how to mend it, within bounded memory."""

from __future__ import annotations

import io
import json
import random
import struct
import tracemalloc
import warnings
import zipfile
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform import archive
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.solutions import Solution, column, control, flow, msapp, request

FORMAT = SolutionFormat()
ENTITIES = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
MANIFEST = Solution().manifest()
CUSTOMIZATIONS = Solution().customizations()


def solution():
    return (
        Solution()
        .flow("Notify", flow({"Ask": request("https://erp.contoso.com")}, variables={"con_Url": "https://dev"}))
        .variable("con_Url", value="https://dev.contoso.com")
        .reference("con_sp")
        .table("Order", [column("con_total", "decimal")])
        .canvas("Shop", msapp([control("Home", "screen", [control("Go", "button", Text='"x"')])]))
        .web_resource("con_/js/a.js", "alert(1)")
    )


GOOD = solution().build()


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as file:
        warnings.simplefilter("ignore")
        for name, content in members:
            info = zipfile.ZipInfo("x")
            info.filename = name
            info.compress_type = compression
            file.writestr(info, content)
    return buffer.getvalue()


def with_members(*members, **kwargs):
    both = [("solution.xml", MANIFEST), ("customizations.xml", CUSTOMIZATIONS)]
    return zipped([*both, *members], **kwargs)


def manifest(**changes):
    text = MANIFEST
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    return zipped([("solution.xml", text), ("customizations.xml", CUSTOMIZATIONS)])


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
    data = with_members(("Workflows/x.json", b"[" + b" " * 70_000 + b"]"))
    return data.replace(struct.pack("<I", 70_002), struct.pack("<I", 12))


def flow_file(content):
    return solution().file("Workflows/Other.json", content).build()


def nested(depth):
    return b"<a>" * depth + b"</a>" * depth


BAD = {
    "empty": (b"", "empty"),
    "no zip": (b"hello", "not a zip"),
    "truncated": (GOOD[: len(GOOD) // 2], "damaged"),
    "end cut off": (GOOD[:-30], "damaged"),
    "head only": (b"PK\x03\x04", "damaged"),
    "no manifest": (zipped([("customizations.xml", CUSTOMIZATIONS)]), "no solution.xml"),
    "no customizations": (zipped([("solution.xml", MANIFEST)]), "no customizations.xml"),
    "in a folder": (zipped([("Orders/solution.xml", MANIFEST)]), "no solution.xml"),
    "a canvas app": (msapp([control("Home", "screen")]), "a canvas app"),
    "encrypted": (with_flag(GOOD, 1), "encrypted"),
    "bzip2": (with_members(compression=zipfile.ZIP_BZIP2), "unusual"),
    "declared bomb": (with_members(("x.bin", bytes(400_000_000))), "too big"),
    "bomb by ratio": (with_members(("x.bin", bytes(30_000_000))), "too big"),
    "lying bomb": (lying_about_size(), "damaged"),
    "bomb inside": (solution().canvas("Bomb", zipped([("Header.json", bytes(30_000_000))])).build(), "too big"),
    "100,000 members": (zipped([(f"m{i}", b"") for i in range(100_000)], zipfile.ZIP_STORED), "100000 members"),
    "absolute": (with_members(("/etc/x", b"")), "unsafe"),
    "climbing": (with_members(("../x", b"")), "unsafe"),
    "climbing later": (with_members(("a/../../x", b"")), "unsafe"),
    "backslash": (with_members(("a\\b", b"")), "unsafe"),
    "drive": (with_members(("c:x", b"")), "unsafe"),
    "climbing inside": (solution().canvas("Bad", zipped([("..\\x.json", b"")])).build(), "unsafe"),
    "twice": (with_members(("x", b"a"), ("x", b"b")), "two members"),
    "twice but for case": (with_members(("Solution.xml", MANIFEST)), "two members"),
    "damaged app": (solution().canvas("Bad", b"PK\x03\x04").build(), "damaged"),
    "entities in the manifest": (manifest(a=(b"<ImportExportXml", ENTITIES + b"<ImportExportXml")), "document type"),
    "entities in a record": (solution().file("bots/b/bot.xml", ENTITIES + b"<bot/>").build(), "document type"),
    "broken manifest": (manifest(a=(b"</SolutionManifest>", b"")), "not valid XML"),
    "manifest in another encoding": (
        manifest(a=(b"<ImportExportXml", '<?xml version="1.0" encoding="utf-16"?><ImportExportXml'.encode("utf-16"))),
        "not valid XML",
    ),
    "invalid UTF-8 in XML": (manifest(a=(b"<UniqueName>Orders", b"<UniqueName>\xff\xfe")), "not valid XML in UTF-8"),
    "invalid UTF-8 in JSON": (flow_file(b'{"a": "\xff\xfe"}'), "UTF-8|not valid JSON"),
    "invalid UTF-8 in a text": (solution().file("botcomponents/t/data", b"\xff\xfe").build(), "UTF-8"),
    "no name": (manifest(a=(b"<UniqueName>Orders", b"<UniqueName>")), "no unique name"),
    "no version": (manifest(a=(b"1.0.0.0", b"one")), "not a version"),
    "neither managed nor not": (manifest(a=(b"<Managed>0", b"<Managed>7")), "Managed is '7'"),
    "no manifest inside": (manifest(a=(b"SolutionManifest", b"Manifest")), "no SolutionManifest"),
    "flow is no JSON": (flow_file(b"{"), "not valid JSON"),
    "NaN": (flow_file(b"[NaN]"), "not valid JSON"),
    "deep JSON": (flow_file(b"[" * 100_000), "too deep|not valid JSON"),
    "deep but whole": (flow_file(b"[" * 5000 + b"]" * 5000), "too deep|not valid JSON"),
    "too many values": (flow_file(b"[" + b"1," * 7_000_000 + b"1]"), "too many values|too big"),
    "too many tags": (
        solution().file("bots/b/bot.xml", b"<a>" + b"<b/>" * 4_000_001 + b"</a>").build(),
        "too many|big",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_unreadable_bytes_are_refused_with_a_cure(case):
    data, words = BAD[case]
    with pytest.raises(InvalidPackageError, match=words) as caught:
        FORMAT.inspect(data)
    assert caught.value.hint
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("case", BAD)
def test_unreadable_bytes_are_refused_wherever_they_come_in(case):
    data, _ = BAD[case]
    for attempt in (lambda: FORMAT.diff(GOOD, data), lambda: FORMAT.diff(data, GOOD)):
        with pytest.raises(InvalidPackageError):
            attempt()


def test_errors_say_where():
    with pytest.raises(InvalidPackageError) as caught:
        FORMAT.inspect(flow_file(b"{"))
    assert caught.value.where == "Workflows/Other.json"
    with pytest.raises(InvalidPackageError) as caught:
        FORMAT.inspect(manifest(a=(b"</SolutionManifest>", b"")))
    assert caught.value.where.startswith("solution.xml, line ")
    with pytest.raises(InvalidPackageError) as caught:
        FORMAT.inspect(solution().canvas("Bad", zipped([("Controls/1.json", b"{")])).build())
    assert "msapp, Controls/1.json" in caught.value.where


def test_the_cure_knows_how_people_zip():
    with pytest.raises(InvalidPackageError) as caught:
        FORMAT.inspect(BAD["in a folder"][0])
    assert caught.value.message == "there is no solution.xml at its top, only in the folder Orders"


def test_a_damaged_solution_is_still_recognised_as_one():
    for case in ("truncated", "end cut off", "no manifest", "encrypted"):
        assert FORMAT.recognises(BAD[case][0]), case
    for other in (b"", b"hello", b"PK\x03\x04", msapp([]), zipped([("manifest.json", b"{}"), ("flows.json", b"[]")])):
        assert not FORMAT.recognises(other)


def test_names_are_found_whatever_their_case():
    odd = zipped([("Solution.XML", MANIFEST), ("CUSTOMIZATIONS.xml", CUSTOMIZATIONS)])
    assert FORMAT.inspect(odd).inventory.solution == "Orders"


def test_folders_in_the_zip_are_no_components():
    odd = with_members(("bots/", b""), ("environmentvariabledefinitions/", b""))
    assert FORMAT.inspect(odd).inventory.components == ()


def test_a_document_type_in_a_comment_harms_nobody():
    odd = manifest(a=(b"<SolutionManifest>", b"<!-- <!DOCTYPE x> --><SolutionManifest>"))
    assert FORMAT.inspect(odd).inventory.solution == "Orders"


def test_a_process_of_an_unknown_category_is_a_finding():
    inspection = FORMAT.inspect(Solution().flow("Odd", {"any": "thing"}, category=42).build())
    (finding,) = (f for f in inspection.findings if f.rule == "unknown-process-category")
    assert "42" in finding.summary
    assert inspection.inventory.components[0].type == "process"


def test_a_file_that_a_component_names_and_nobody_packed_is_a_finding():
    broken = Solution().flow("Notify", flow({}))
    (name,) = [name for name in broken.members if name.startswith("Workflows/")]
    del broken.members[name]
    findings = FORMAT.inspect(broken.build()).findings
    assert [(f.rule, name in f.summary) for f in findings] == [("missing-file", True)]


@pytest.mark.parametrize("size", [5_000_000, 40_000_000])
def test_memory_does_not_grow_with_files_that_are_only_compared(size):
    noise = random.Random(1).randbytes(size)
    data = solution().file("PluginAssemblies/x/x.dll", noise).build()
    tracemalloc.start()
    try:
        FORMAT.inspect(data)
        assert tracemalloc.get_traced_memory()[1] < len(data) + 4_000_000
    finally:
        tracemalloc.stop()


def test_memory_for_a_bomb_is_never_taken():
    data = BAD["declared bomb"][0]
    tracemalloc.start()
    try:
        with pytest.raises(InvalidPackageError):
            FORMAT.inspect(data)
        assert tracemalloc.get_traced_memory()[1] < len(data) + 2_000_000
    finally:
        tracemalloc.stop()


def attempt(data):
    """Do everything with these bytes; only our own error may come out."""
    for act in (
        lambda: FORMAT.inspect(data),
        lambda: FORMAT.diff(data, GOOD),
        lambda: FORMAT.diff(GOOD, data),
        lambda: FORMAT.pack(FORMAT.unpack(data)),
        lambda: FORMAT.stamp(data, "2.0.0.0"),
        lambda: FORMAT.recognises(data),
    ):
        with suppress(InvalidPackageError):
            act()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_no_damage_brings_anything_but_our_own_error(data):
    broken = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(broken) - 1))
        broken[at] = data.draw(st.integers(0, 255))
    attempt(bytes(broken[: data.draw(st.integers(len(broken) // 2, len(broken)))]))


KEYS = (
    "properties", "definition", "actions", "triggers", "parameters", "inputs", "runAfter", "metadata", "schemaName",
    "defaultValue", "connectionReferences", "connection", "type", "host", "expression", "cases", "else", "default",
    "name", "value", "recurrence", "schema", "authentication", "TopParent", "Rules", "Children",
    "Template", "DataSources",
    "environmentvariablevalues", "environmentvariablevalue", "runtimeConfiguration", "staticResult", "dataSets",
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=JSON, other=JSON)
def test_json_of_any_shape_is_read_where_a_flow_or_an_app_should_be(value, other):
    text = json.dumps({"properties": {"definition": value, "connectionReferences": other}}).encode()
    app = json.dumps({"TopParent": value}).encode()
    sources = json.dumps({"DataSources": other, "LocalConnectionReferences": json.dumps(value)}).encode()
    canvas = zipped(
        [("Controls\\1.json", app), ("Properties.json", sources), ("References\\DataSources.json", sources)]
    )
    made = Solution().flow("F", {}).canvas("A", canvas).variable("con_V", value="x")
    for name in list(made.members):
        if name.startswith("Workflows/"):
            made.members[name] = text
        elif name.endswith("values.json"):
            made.members[name] = json.dumps(value).encode()
    attempt(made.build())


TAGS = (
    "Workflow",
    "Entity",
    "Name",
    "attribute",
    "Role",
    "CanvasApp",
    "optionset",
    "connectionreference",
    "forms",
    "x",
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.recursive(
        st.text("abc/&;<é \r\n", max_size=12).map(lambda text: text.replace("&", "&amp;").replace("<", "&lt;")),
        lambda inner: st.tuples(st.sampled_from(TAGS), st.lists(inner, max_size=3)).map(
            lambda made: f"<{made[0]} id='1' Name='n'>{''.join(made[1])}</{made[0]}>"
        ),
        max_leaves=15,
    ),
    st.sampled_from(("Entities", "Workflows", "Roles", "CanvasApps", "WebResources", "optionsets", "Anything")),
)
def test_xml_of_any_shape_survives_the_way_to_source_and_back(text, section):
    made = Solution()
    made.sections[section] = [f"<Workflow Name='a'>{text}</Workflow>", f"<Entity>{text}</Entity>"]
    data = made.build()
    attempt(data)
    before = FORMAT.inspect(data).inventory
    try:
        source = FORMAT.unpack(data)
    except InvalidPackageError:
        return  # two tables without a name
    assert FORMAT.inspect(FORMAT.pack(source)).inventory.components == before.components


def test_limits_are_what_the_messages_say():
    assert archive.MAX_MEMBERS < 100_000
