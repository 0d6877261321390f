"""What an n8n package holds, what it never holds, and its way to readable source and back."""

from __future__ import annotations

import copy
import io
import json
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from n8n_sample import (
    ORDERS,
    as_json,
    changed,
    configuration,
    field,
    instance,
    node,
    orders,
    package,
    price,
    wire,
    workflow,
)

from lampway.domain.package import Scope
from lampway.errors import InvalidPackageError, NotFoundError, UsageError
from lampway.platforms.n8n.contents import build_contents
from lampway.platforms.n8n.credentials import Bound, name_credentials, with_connections, with_credentials
from lampway.platforms.n8n.normal import exact_digest
from lampway.platforms.n8n.package import N8nFormat, build_package, read_package

FORMAT = N8nFormat()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def inventory(data):
    return FORMAT.inspect(data).inventory


def one(*nodes, **more):
    """Return the package of one workflow of these nodes."""
    return build_package([workflow("W", list(nodes), **more)], Scope("s", contains=("W",)))


def test_nothing_that_belongs_to_one_environment_gets_in():
    data = package()
    for value in (b"erp.dev.test", b"credDevId", b"aiDevId", b"data of dev", b"versionId", b"createdAt", b"shared"):
        assert value not in data
    for value in (b"staticData", b"triggerCount", b"isArchived", b"lampway:orders", b'"meta"', b"pinData"):
        assert value not in data
    assert b"EUR" in data  # declared constant
    assert b"sales" in data  # a tag of the maker's


def test_the_same_workflows_give_the_same_bytes():
    assert package() == package(json.loads(json.dumps(instance())))
    assert list(members(package())) == ["manifest.json", "workflows/001.json", "workflows/002.json"]


def test_what_an_instance_counts_and_remembers_makes_no_other_package():
    whole = instance()
    whole[2] |= {"versionId": "x", "versionCounter": 99, "updatedAt": "later", "staticData": None, "triggerCount": 3}
    assert package(whole) == package()


def test_the_manifest_says_what_the_environment_must_give():
    manifest = json.loads(members(package(version="1.2"))["manifest.json"])
    assert list(manifest)[:4] == ["format", "platform", "solution", "version"]
    assert [one["name"] for one in manifest["contains"]] == ["Orders", "Price"]
    told = {(v["name"], v["type"], v["required"]) for v in manifest["variables"]}
    assert told == {("ERP_URL", "string", True), ("RETRIES", "number", True), ("CURRENCY", "string", False)}
    assert [(c["name"], c["connector"]) for c in manifest["connections"]] == [
        ("ERP key", "httpHeaderAuth"),
        ("OpenAI", "openAiApi"),
    ]
    assert {"kind": "node type", "name": "n8n-nodes-base.httpRequest", "version": "4.2"} in manifest["dependencies"]


def test_the_inventory_has_a_component_for_everything_that_does_something():
    found = {(c.type, c.name, c.parent) for c in inventory(package()).components}
    assert ("workflow", "Orders", "") in found
    assert ("http request", "ERP", "OrdersId16Chars") in found
    assert ("lm chat open ai", "Model", "PriceId16Chars") in found
    assert len(found) == 12, "two workflows, ten nodes; a sticky note does nothing"


def test_an_environment_binds_connections_to_credentials_of_its_own():
    found = inventory(package()).connections
    assert [(c.name, c.connector, c.fields) for c in found] == [
        ("ERP key", "httpHeaderAuth", ("connection",)),
        ("OpenAI", "openAiApi", ("connection",)),
    ]
    own = read_package(package()).workflows[0]
    bound = with_credentials(own, {"ERP key": Bound("prodId", "ERP key of prod")})
    erp = next(n for n in bound["nodes"] if n["name"] == "ERP")
    assert erp["credentials"] == {"httpHeaderAuth": {"id": "prodId", "name": "ERP key of prod"}}
    back = with_connections(bound, {("httpHeaderAuth", "prodId", ""): "ERP key"})
    assert back == own


@pytest.mark.parametrize(
    ("second", "names"),
    [
        ({"a": {"id": "1", "name": "Key"}}, {"Key"}),
        ({"a": {"id": "2", "name": "Key"}}, {"Key (1)", "Key (2)"}),
        ({"b": {"id": "2", "name": "Key"}}, {"Key (a)", "Key (b)"}),
        ({"a": {"id": "1", "name": "Old name"}}, {"Key"}),
        ({"a": "Key"}, {"Key (1)", "Key (a)"}),
        ({"b": {"id": None, "name": ""}}, {"Key", "b"}),
        ({"b": ""}, {"Key", "b"}),
        ({"a": {"id": "2", "name": "Key"}, "b": {"id": "3", "name": "Key (1)"}}, {"Key (1)", "Key (2)", "Key (1) (3)"}),
    ],
)
def test_a_connection_is_called_like_its_credential_and_told_apart_from_others(second, names):
    first = {"a": {"id": "1", "name": "Key"}}
    data = one(node("A", "x", credentials=first), node("B", "x", credentials=first), node("C", "x", credentials=second))
    assert {c.name for c in inventory(data).connections} == names


def test_the_name_that_a_credential_has_now_wins_over_what_nodes_remember():
    found = inventory(package(credential_names={"credDevId": "ERP access"})).connections
    assert {c.name for c in found} == {"ERP access", "OpenAI"}
    assert name_credentials([orders()], {"credDevId": "ERP access"}) == {
        ("httpHeaderAuth", "credDevId", ""): "ERP access"
    }


def test_node_types_community_packages_and_workflows_outside_are_dependencies():
    data = one(
        node("A", "set", version=3.2),
        node("B", "set", version=3.4),
        node("C", "n8n-nodes-acme.thing"),
        node("D", "executeWorkflow", parameters={"workflowId": "elsewhere"}),
        node("E", "executeWorkflow", parameters={"workflowId": "={{ $json.id }}"}),
        node("F", "executeWorkflow", parameters={"workflowId": "WId16Chars"}),
        node("G", "code", parameters={"jsCode": "return $vars.REGION + $vars['TENANT']"}),
        settings={"errorWorkflow": "alarm"},
    )
    found = {(d.kind, d.name, d.version) for d in inventory(data).dependencies}
    assert ("node type", "n8n-nodes-base.set", "3.4") in found
    assert ("community package", "n8n-nodes-acme", "") in found
    assert {d[1] for d in found if d[0] == "workflow"} == {"elsewhere", "alarm"}
    assert {d[1] for d in found if d[0] == "n8n variable"} == {"REGION", "TENANT"}
    assert any("D names a workflow outside of the solution: elsewhere" in note for note in inventory(data).notes)


def test_whom_settings_name_is_needed_too():
    named = {"callerPolicy": "workflowsFromAList", "callerIds": "a, b", "errorWorkflow": "c"}
    found = inventory(one(node("A", "x"), settings=named)).dependencies
    assert {d.name for d in found if d.kind == "workflow"} == {"a", "b", "c"}


def test_a_name_that_two_workflows_have_is_refused_and_the_id_is_taken():
    twice = [workflow("W", [], id_="first"), workflow("W", [], id_="second")]
    with pytest.raises(UsageError, match="2 workflows are named") as caught:
        build_package(twice, Scope("s", contains=("W",)))
    assert "first, second" in caught.value.hint
    assert read_package(build_package(twice, Scope("s", contains=("second",)))).contains[0].id == "second"


@pytest.mark.parametrize("contains", [(), ("Gone",)])
def test_a_missing_workflow_builds_nothing(contains):
    with pytest.raises(NotFoundError, match="no workflow") as caught:
        build_package(instance(), Scope("s", contains=contains))
    assert "Stock" in caught.value.hint


def test_an_export_from_the_editor_is_readable():
    found = inventory(as_json(orders()))
    assert (found.solution, found.version) == ("", "")
    assert [c.name for c in found.components if c.type == "workflow"] == ["Orders"]
    several = inventory(as_json(instance()))
    assert {c.name for c in several.components if c.type == "workflow"} == {"Orders", "Price", "Stock"}
    assert inventory(as_json({"data": instance(), "nextCursor": None})).components == several.components
    assert inventory(b"\xef\xbb\xbf" + as_json(orders())) == found


def test_a_release_and_the_live_workflows_have_the_same_fingerprints():
    live = {c.id: c for c in inventory(as_json(instance())).components}
    for component in inventory(package()).components:
        if component.name != "Configuration":  # its constant counts in the release only
            assert live[component.id] == component


def test_an_export_is_neither_stamped_nor_kept_as_source():
    for act in (lambda: FORMAT.unpack(as_json(orders())), lambda: FORMAT.stamp(as_json(orders()), "1")):
        with pytest.raises(InvalidPackageError, match="an export of n8n"):
            act()


def test_a_stamp_changes_the_version_only():
    stamped = FORMAT.stamp(package(), "2.0")
    assert inventory(stamped).version == "2.0"
    assert inventory(stamped).fingerprint == inventory(package()).fingerprint
    assert stamped == package(version="2.0")


def test_a_workflow_that_nobody_published_is_told():
    assert [n for n in inventory(package()).notes if "not published" in n] == [
        "workflow Price is not published: nothing starts it by itself where it is deployed"
    ]


def test_moving_changes_the_exact_digest_and_not_the_fingerprint():
    moved = package(changed("ERP", position=[900, 900]))
    assert inventory(moved).fingerprint == inventory(package()).fingerprint
    exact = [exact_digest(read_package(data).workflows[0]) for data in (moved, package())]
    assert exact[0] != exact[1]


@pytest.mark.parametrize(
    "properties",
    [
        {"typeVersion": 4.3},
        {"disabled": True},
        {"onError": "continueErrorOutput"},
        {"retryOnFail": True},
        {"name": "ERP system"},
        {"credentials": {}},
        {"parameters": {"url": "x"}},
        {"webhookId": "other"},
        {"something": "new"},
    ],
)
def test_whatever_a_run_could_tell_changes_the_fingerprint(properties):
    assert inventory(package(changed("ERP", **properties))).fingerprint != inventory(package()).fingerprint


@pytest.mark.parametrize(
    "properties",
    [
        {"notes": "about"},
        {"notesInFlow": True},
        {"disabled": False},
        {"onError": "stopWorkflow"},
        {"color": "#fff"},
        {"retryOnFail": False},
        {"webhookId": None},
    ],
)
def test_what_no_run_could_tell_changes_no_fingerprint(properties):
    assert inventory(package(changed("ERP", **properties))).fingerprint == inventory(package()).fingerprint


def test_a_variable_the_manifest_forgot_is_required_all_the_same():
    source = dict(FORMAT.unpack(package()))
    path = next(path for path in source if "orders" in path and path.endswith("workflow.json"))
    source[path] = source[path].replace(b'"name": "RETRIES"', b'"name": "NEW_ONE"')
    assert "NEW_ONE" in {v.name for v in inventory(FORMAT.pack(source)).variables}


def test_a_connection_the_manifest_forgot_is_required_all_the_same():
    source = dict(FORMAT.unpack(package()))
    path = next(path for path in source if "orders" in path and path.endswith("workflow.json"))
    source[path] = source[path].replace(b'"name": "ERP key"', b'"name": "Other key"')
    assert "Other key" in {c.name for c in inventory(FORMAT.pack(source)).connections}


def test_source_is_readable():
    source = FORMAT.unpack(package())
    (code,) = [path for path in source if path.endswith(".js")]
    assert code.startswith("workflows/orders-")
    assert "/sum-" in code
    assert source[code] == b"const a = 1;\nconst b = 2;\nreturn items;\n"
    (about,) = [path for path in source if path.endswith(".md")]
    assert source[about] == b"# Orders\n\nTakes *orders*"
    flow = next(path for path in source if path.startswith("workflows/orders") and path.endswith("workflow.json"))
    assert b"const a" not in source[flow]
    assert len({path.split("/")[1] for path in source if path.startswith("workflows/")}) == 2


NAMES = st.text(max_size=40) | st.sampled_from(
    ["con", "a/b", "..", "A", "a", "\ud800", "Größe", "x.y", "Configuration"]
)
TEXTS = st.text(max_size=30) | st.sampled_from(["\r\n", "\ud83d", "a\nb\nc\nd\ne", "", "=x", "$('A')"])
ODD = st.sampled_from([{"$file": "x"}, {"$value": {"$file": "y"}}, {"$file": "a-b.js"}, {"__rl": True}]) | TEXTS
ENTRY = st.fixed_dictionaries({"name": TEXTS, "value": TEXTS | st.integers(), "type": TEXTS})
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "jsCode": ODD,
        "pythonCode": ODD,
        "content": ODD,
        "text": ODD,
        "query": ODD,
        "assignments": st.fixed_dictionaries({"assignments": st.lists(ENTRY, max_size=3)}),
        "fields": st.fixed_dictionaries({"values": st.lists(ENTRY, max_size=2)}),
        "workflowId": ODD,
        "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
    },
)
CREDENTIAL = TEXTS | st.fixed_dictionaries({"id": TEXTS, "name": TEXTS})
NODES = st.lists(
    st.builds(
        lambda name, type_, parameters, **more: {
            "name": name,
            "type": type_,
            "parameters": parameters,
            **{k: v for k, v in more.items() if v is not None},
        },
        NAMES.filter(bool),
        st.sampled_from(["n8n-nodes-base.set", "n8n-nodes-base.code", "n8n-nodes-base.stickyNote", "x.y"]),
        PARAMETERS,
        id=st.none() | NAMES,
        credentials=st.none() | st.dictionaries(st.sampled_from("abc"), CREDENTIAL),
        position=st.none() | st.just([1, 2]) | ODD,
    ),
    max_size=5,
    unique_by=(lambda one: one["name"], lambda one: one.get("id") or one["name"]),
)


@given(nodes=NODES, name=NAMES, version=st.text(max_size=5), extra=NAMES)
@settings(max_examples=150)
def test_packing_what_was_unpacked_gives_the_same_bytes(nodes, name, version, extra):
    whole = workflow(name, nodes, {extra: wire(name)}, id_="i", description=extra)
    data = build_package([whole, workflow("Other", [], id_="I")], Scope("s", contains=("i", "I")), version=version)
    source = FORMAT.unpack(data)
    assert FORMAT.pack(source) == data
    assert len({path.lower() for path in source}) == len(source)
    for path in source:
        assert path.isascii()
        assert len(path) < 200
        assert path == path.lower()
    assert FORMAT.recognises(data)
    assert FORMAT.inspect(data).inventory.version == version
    again = build_contents(read_package(data).workflows, solution="s", version=version)
    assert again.workflows == read_package(data).workflows, "what is stripped stays as it is when it is stripped again"


def test_a_file_that_belongs_to_nothing_is_refused_and_dot_files_are_not():
    source = dict(FORMAT.unpack(package()))
    folder = next(path for path in source if path.endswith(".js")).rpartition("/")[0]
    source[f"{folder}/.keep"] = b""
    assert FORMAT.pack(source) == package()
    source[f"{folder}/old.js"] = b"left over"
    with pytest.raises(InvalidPackageError, match="belongs to no node"):
        FORMAT.pack(source)


def test_a_missing_file_is_told_with_who_wants_it():
    source = dict(FORMAT.unpack(package()))
    del source[next(path for path in source if path.endswith(".js"))]
    with pytest.raises(InvalidPackageError, match=r"\.js is missing") as caught:
        FORMAT.pack(source)
    assert caught.value.where.endswith("workflow.json")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (b'"name": "ERP key"', b'"id": "1", "name": "ERP key"', "belongs to one instance"),
        (b'"name": "ERP_URL",', b'"name": "ERP_URL", "value": "x",', "carries a value"),
        (b'"active": true,', b'"active": true, "versionId": "x",', "versionId"),
        (b'"id": "OrdersId16Chars"', b'"id": "PriceId16Chars"', "two workflows have the id"),
        (b'"id": "OrdersId16Chars"', b'"id": "Another"', "not in the package"),
        (b'"nodes": [', b'"nodes": [1, ', "without `parameters`"),
    ],
)
def test_what_must_not_be_in_a_package_is_refused_in_source(before, after, words):
    source = dict(FORMAT.unpack(package()))
    path = next(path for path in source if path.startswith("workflows/orders") and path.endswith("workflow.json"))
    assert before in source[path]
    source[path] = source[path].replace(before, after, 1)
    with pytest.raises(InvalidPackageError, match=words) as caught:
        FORMAT.pack(source)
    assert caught.value.hint


def test_a_workflow_that_the_manifest_does_not_list_is_refused():
    source = dict(FORMAT.unpack(package()))
    manifest = json.loads(source["manifest.json"])
    manifest["contains"].pop()
    source["manifest.json"] = as_json(manifest)
    with pytest.raises(InvalidPackageError, match="not listed under `contains`"):
        FORMAT.pack(source)


def test_one_order_of_the_owner_is_kept():
    back = Scope("orders", contains=("Price", "Orders"))
    assert [c.name for c in read_package(build_package(instance(), back)).contains] == ["Price", "Orders"]
    assert read_package(package()).contains[0].name == "Orders"


def test_what_is_given_is_never_changed_by_building():
    given_ = [price(), orders()]
    before = copy.deepcopy(given_)
    build_package(given_, ORDERS)
    assert given_ == before


def test_a_configuration_in_a_second_workflow_shares_its_variables():
    second = workflow("Price", [configuration(field("ERP_URL", "https://other.test"))])
    (erp,) = [v for v in inventory(package([orders(), second])).variables if v.name == "ERP_URL"]
    assert erp.used_by == ("Orders / Configuration", "Price / Configuration")
