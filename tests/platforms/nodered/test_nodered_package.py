"""What a package holds, what it never holds, and its way to readable source and back."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nodered_sample import ORDERS, STORED, as_json, changed, flows, node, package

from lampway.domain.package import Scope
from lampway.errors import InvalidPackageError, NotFoundError
from lampway.platforms.nodered.package import NodeRedFormat, build_package, read_package

FORMAT = NodeRedFormat()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def inventory(data):
    return FORMAT.inspect(data).inventory


def slots(nodes, scope=ORDERS):
    return {
        (s.name, s.scope, s.node) for s in read_package(build_package(nodes, scope, credential_fields={})).variables
    }


def test_no_credential_and_no_environment_value_gets_in():
    data = package()
    for value in (b"node-secret", b"tab-secret", b"dev.example.test", b"mail.dev.test", b"mqtt.dev.test"):
        assert value not in data
    assert b"EUR" in data  # declared constant


def test_the_same_flows_give_the_same_bytes():
    assert package() == package(json.loads(json.dumps(flows())))
    assert list(members(package())) == ["manifest.json", "flows.json"]


def test_the_manifest_says_what_the_environment_must_give():
    manifest = json.loads(members(package(version="1.2"))["manifest.json"])
    assert list(manifest)[:4] == ["format", "platform", "solution", "version"]
    assert manifest["contains"] == [{"id": "t1", "label": "Orders"}]
    told = {(v["name"], v["type"], v["scope"], v["node"], v["required"]) for v in manifest["variables"]}
    assert told == {
        ("MQTT_HOST", "string", "global", "", True),
        ("REGION", "string", "global", "", True),
        ("ERP_URL", "string", "tab", "t1", True),
        ("CURRENCY", "string", "tab", "t1", False),
        ("RETRIES", "number", "tab", "t1", True),
        ("MAIL_HOST", "string", "tab", "g1", True),
    }
    assert [(c["name"], c["fields"], c["place"], c["node"]) for c in manifest["connections"]] == [
        ("Orders", ["ERP_TOKEN"], "env", "t1"),
        ("ERP", ["password"], "node", "n5"),
        ("Broker", ["user", "password"], "node", "b1"),
    ]
    assert {"kind": "node type", "name": "e-mail"} in manifest["dependencies"]


def test_the_inventory_has_a_component_for_everything_that_does_something():
    found = {(c.type, c.name, c.parent) for c in inventory(package()).components}
    assert ("tab", "Orders", "") in found
    assert ("group", "Mail", "t1") in found
    assert ("subflow instance", "Again", "t1") in found
    assert ("function", "Wait", "s1") in found
    assert ("mqtt-broker", "Broker", "") in found
    assert len(found) == 13


def test_an_authenticated_request_demands_its_secret_before_one_is_stored():
    def fields(auth):
        nodes = changed("n5", authType=auth)
        found = read_package(build_package(nodes, ORDERS, credential_fields={})).connections
        return next((c.fields for c in found if c.name == "ERP"), None)

    assert fields("basic") == fields("digest") == ("user", "password")
    assert fields("bearer") == ("password",)
    assert fields("") is None


def test_connections_with_one_name_are_told_apart_by_id():
    nodes = changed("b1", name="ERP")
    names = [c.name for c in inventory(package(nodes)).connections]
    assert names == ["Orders", "ERP (n5)", "ERP (b1)"]


def test_fields_can_be_declared_by_hand():
    scope = Scope("o", contains=("Orders",), connections={"Trust": ("keydata",), "global-config": ("REGION",)})
    read = read_package(build_package(flows(), scope, credential_fields={}))
    assert {(c.name, c.fields, c.place) for c in read.connections} >= {
        ("Trust", ("keydata",), "node"),
        ("global-config", ("REGION",), "global"),
    }
    assert "REGION" not in {v.name for v in read.variables}


def test_a_global_variable_kept_as_credential_is_a_connection():
    nodes = changed("gc", env=[{"name": "REGION", "type": "cred", "value": "x"}])
    read = read_package(package(nodes))
    assert ("global-config", "global", ("REGION",)) in {(c.name, c.place, c.fields) for c in read.connections}
    assert "REGION" not in {v.name for v in read.variables}


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"p": "${A}"}, "A"),
        ({"p": "$(A)"}, "A"),
        ({"p": ["x", {"q": "${A}"}]}, "A"),
        ({"payload": "A", "payloadType": "env"}, "A"),
        ({"payload": "http://${A}/x", "payloadType": "env"}, "A"),
        ({"rules": [{"t": "set", "p": "x", "to": "A", "tot": "env"}]}, "A"),
        ({"props": [{"p": "x", "v": "A", "vt": "env"}]}, "A"),
        ({"func": 'return env.get("A")'}, "A"),
        ({"func": "return env.get(`A`)"}, "A"),
        ({"func": "// env.get('B')\nreturn env.get( 'A' )"}, "A"),
        ({"p": "$env('A') & 'x'"}, "A"),
        ({"type": "template", "template": "Hi {{env.A}} {{{payload}}}"}, "A"),
        ({"p": "${$parent.A}"}, "A"),
    ],
)
def test_every_way_to_ask_for_a_variable_is_found(properties, name):
    nodes = [{"id": "t", "type": "tab", "label": "T"}, node("n", "x", z="t") | properties]
    assert slots(nodes, Scope("s", contains=("T",))) == {(name, "global", "")}


@pytest.mark.parametrize(
    "properties",
    [
        {"p": "https://${A}/x"},
        {"p": "${NR_FLOW_NAME}"},
        {"p": "${NR_SUBFLOW_ID}"},
        {"func": "return `${A}`"},
        {"p": "${a}${b}"},
        {"info": "${A}"},
        {"payload": "A", "payloadType": "str"},
    ],
)
def test_what_the_runtime_does_not_replace_is_no_variable(properties):
    nodes = [{"id": "t", "type": "tab", "label": "T"}, node("n", "x", z="t") | properties]
    assert slots(nodes, Scope("s", contains=("T",))) == set()


def test_the_nearest_declaration_answers():
    nodes = [
        {"id": "t", "type": "tab", "label": "T", "env": [{"name": "A", "type": "str", "value": "x"}]},
        {"id": "g", "type": "group", "z": "t", "env": [{"name": "A", "type": "str", "value": "y"}]},
        node("n", "x", z="t", g="g", name="In", p="${A}"),
        node("m", "x", z="t", name="Out", p="${A}"),
        node("o", "x", z="t", g="g", name="Up", p="${$parent.A}"),
    ]
    found = read_package(build_package(nodes, Scope("s", contains=("T",)), credential_fields={})).variables
    assert {(v.node, v.used_by) for v in found} == {("t", ("Out", "Up")), ("g", ("In",))}


def test_a_name_asked_for_inside_a_subflow_is_answered_where_the_subflow_stands():
    nodes = [
        {"id": "t", "type": "tab", "label": "T", "env": [{"name": "A", "type": "str", "value": "x"}]},
        {"id": "s", "type": "subflow", "name": "S"},
        node("n", "x", z="s", name="Deep", p="${A}"),
        node("i", "subflow:s", z="t"),
        node("j", "subflow:s", z="t", env=[{"name": "A", "type": "str", "value": "own"}]),
    ]
    found = read_package(build_package(nodes, Scope("s", contains=("T",)), credential_fields={})).variables
    assert [(v.name, v.node, v.used_by) for v in found] == [("A", "t", ("Deep",))]


def test_an_entry_that_passes_on_its_own_name_needs_the_global_one():
    nodes = [
        {"id": "t", "type": "tab", "label": "T", "env": [{"name": "A", "type": "env", "value": "A"}]},
        node("n", "x", z="t", p="${A}"),
    ]
    assert slots(nodes, Scope("s", contains=("T",))) == {("A", "global", "")}


def test_a_variable_the_manifest_forgot_is_required_all_the_same():
    source = dict(FORMAT.unpack(package()))
    code = next(path for path in source if path.endswith("price-n2.js"))
    source[code] += b"env.get('NEW_ONE')"
    assert "NEW_ONE" in {v.name for v in inventory(FORMAT.pack(source)).variables}


def test_one_name_at_two_places_is_told():
    notes = inventory(package(changed("t1", env=[{"name": "MQTT_HOST", "type": "str", "value": "x"}]))).notes
    assert any("MQTT_HOST belongs to" in note for note in notes)


def test_a_variable_inside_a_longer_text_is_told():
    notes = inventory(package(changed("n5", url="https://${ERP_URL}/orders"))).notes
    assert any("${ERP_URL} in url only when it is the whole value" in note for note in notes)


def test_an_export_from_the_editor_is_readable():
    found = inventory(as_json(flows()))
    assert (found.solution, found.version) == ("", "")
    assert {c.name for c in found.components if c.type == "tab"} == {"Orders", "Stock"}
    assert found.fingerprint != inventory(package()).fingerprint
    assert inventory(b"\xef\xbb\xbf" + as_json({"flows": flows(), "rev": "x"})).components == found.components


def test_a_release_and_the_live_flows_have_the_same_fingerprints():
    live = {c.id: c for c in inventory(as_json(flows())).components}
    for component in inventory(package()).components:
        if component.id != "t1":  # its constant counts in the release only
            assert live[component.id] == component


def test_an_export_is_neither_stamped_nor_kept_as_source():
    for act in (lambda: FORMAT.unpack(as_json(flows())), lambda: FORMAT.stamp(as_json(flows()), "1")):
        with pytest.raises(InvalidPackageError):
            act()


def test_a_stamp_changes_the_version_only():
    stamped = FORMAT.stamp(package(), "2.0")
    assert inventory(stamped).version == "2.0"
    assert inventory(stamped).fingerprint == inventory(package()).fingerprint
    assert stamped == package(version="2.0")


def test_a_missing_tab_builds_nothing():
    with pytest.raises(NotFoundError):
        build_package(flows(), Scope("s", contains=("X",)), credential_fields={})


def test_source_is_readable():
    source = FORMAT.unpack(package())
    assert source["tabs/orders-t1/price-n2.js"] == b"const c = env.get('CURRENCY');\nreturn msg;\n"
    assert source["tabs/orders-t1/about-n7.md"] == b"# Orders\n"
    assert {"subflows/retry-s1/flow.json", "config/broker-b1.json", "manifest.json", "order.json"} <= source.keys()
    assert b"const c" not in source["tabs/orders-t1/flow.json"]


NAMES = st.text(max_size=50) | st.sampled_from(["con", "a/b", "..", "A", "a", "\ud800", "Größe", "x.initialize", "a-b"])
TEXTS = st.text(max_size=30) | st.sampled_from(["\r\n", "\ud83d", "a\nb", ""])
ODD = st.sampled_from([{"$file": "x"}, {"$value": {"$file": "y"}}, {"$file": "n-n.js"}]) | TEXTS
NODES = st.lists(
    st.builds(
        lambda id_, type_, home, **more: {"id": id_, "type": type_, "z": home, "x": 1, "y": 1, "wires": [], **more},
        NAMES.filter(bool),
        st.sampled_from(["function", "template", "comment", "ui_template", "subflow:s", "group", "x"]),
        st.sampled_from(["T", "s", ""]),
        name=NAMES,
        info=ODD,
        func=ODD,
        initialize=ODD,
        template=ODD,
        format=ODD,
        number=st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    ),
    max_size=6,
    unique_by=lambda one: one["id"],
)


@given(nodes=NODES, label=NAMES, version=st.text(max_size=5))
@settings(max_examples=150, deadline=None)
def test_packing_what_was_unpacked_gives_the_same_bytes(nodes, label, version):
    own = {"T", "s"}
    whole = [
        {"id": "T", "type": "tab", "label": label},
        *(one for one in nodes if one["id"] not in own),
        {"id": "s", "type": "subflow", "name": label},
    ]
    data = build_package(whole, Scope("s", contains=("T",)), credential_fields={}, version=version)
    source = FORMAT.unpack(data)
    assert FORMAT.pack(source) == data
    assert len({path.lower() for path in source}) == len(source)
    for path in source:
        assert path.isascii()
        assert len(path) < 200
        assert path == path.lower()
    assert FORMAT.recognises(data)


def test_our_own_sample_survives_the_way_to_source_and_back():
    assert FORMAT.pack(FORMAT.unpack(package())) == package()


def test_a_file_that_belongs_to_nothing_is_refused_and_dot_files_are_not():
    source = dict(FORMAT.unpack(package()))
    source["tabs/orders-t1/.keep"] = b""
    assert FORMAT.pack(source) == package()
    source["tabs/orders-t1/old-n99.js"] = b"left over"
    with pytest.raises(InvalidPackageError, match="belongs to no node"):
        FORMAT.pack(source)


def test_a_missing_file_is_told_with_who_wants_it():
    source = dict(FORMAT.unpack(package()))
    del source["tabs/orders-t1/price-n2.js"]
    with pytest.raises(InvalidPackageError, match=r"price-n2\.js is missing"):
        FORMAT.pack(source)


def test_credentials_written_into_source_are_refused():
    source = dict(FORMAT.unpack(package()))
    path = "config/broker-b1.json"
    source[path] = source[path].replace(b'"type"', b'"credentials": {"user": "x"}, "type"', 1)
    with pytest.raises(InvalidPackageError, match="carries credentials"):
        FORMAT.pack(source)


def test_stored_fields_of_other_solutions_are_not_ours():
    data = build_package(flows(), ORDERS, credential_fields={**STORED, "b2": ("user",), "gc": ("map",)})
    assert data == package()


def test_a_subflow_that_asks_its_parent_is_answered_where_it_stands():
    nodes = [
        {"id": "t", "type": "tab", "label": "T", "env": [{"name": "A", "type": "str", "value": "x"}]},
        {"id": "s", "type": "subflow", "env": [{"name": "A", "type": "env", "value": "$parent.A"}]},
        node("i", "subflow:s", z="t"),
    ]
    assert slots(nodes, Scope("s", contains=("T",))) == {("A", "tab", "t")}


def test_an_entry_listed_twice_is_one_variable():
    entry = {"name": "A", "type": "str", "value": "x"}
    nodes = [{"id": "t", "type": "tab", "label": "T", "env": [entry, entry]}]
    assert len(read_package(build_package(nodes, Scope("s", contains=("T",)), credential_fields={})).variables) == 1
