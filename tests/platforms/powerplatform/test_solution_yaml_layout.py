"""A tree that Git integration commits gives the package that the classic tree of the same solution gives."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yaml_tree import components, together, written, yaml_tree

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.platforms.powerplatform.xmltext import digest_xml, parse_xml
from lampway.testing.solutions import (
    Solution,
    column,
    compose,
    control,
    flow,
    form,
    id_of,
    msapp,
    view,
)

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "power-platform"
PUBLISHED = sorted(FOLDER.glob("*.zip"))
FORMAT = SolutionFormat()
LISTS = "solutions/Orders"
FLOW = id_of("flow Notify")
OBSERVED = {
    "solutions/Orders/solution.yml": """\
ImportExportXml:
  '@version': 9.2.26053.152
  '@SolutionPackageVersion': 9.2
  '@languagecode': 1033
  '@generatedBy': CrmLive
  '@xmlns:xsi': http://www.w3.org/2001/XMLSchema-instance
  SolutionManifest:
    UniqueName: Orders
    LocalizedNames:
      LocalizedName:
        '@description': Orders
        '@languagecode': 1033
    Descriptions:\x20
    Version: 1.0.0.1
    Managed: 0
    Publisher:
      UniqueName: Contoso
""",
    "solutions/Orders/rootcomponents.yml": f"""\
RootComponents:
  RootComponent:
    '@type': 29
    '@id': '{{{FLOW}}}'
    '@behavior': 0
""",
    "solutions/Orders/solutioncomponents.yml": f"""\
SolutionComponents:
  Component:
  - '@path': /connectionreferences/con_mail
  - '@path': /modernflows/{FLOW}
  - '@path': /publishers/Contoso
""",
    "publishers/Contoso/publisher.yml": """\
Publisher:
  UniqueName: Contoso
  LocalizedNames:
    LocalizedName:
      '@description': Contoso
      '@languagecode': 1033
  EMailAddress:
    '@xsi:nil': true
    '@xmlns:xsi': http://www.w3.org/2001/XMLSchema-instance
  CustomizationPrefix: con
  CustomizationOptionValuePrefix: 10000
  Addresses:
    Address:
    - AddressNumber: 1
    - AddressNumber: 2
""",
    "connectionreferences/con_mail/connectionreference.yml": """\
connectionreference:
  '@connectionreferencelogicalname': con_mail
  connectionreferencedisplayname: Mail
  connectorid: /providers/Microsoft.PowerApps/apis/shared_office365
""",
    f"modernflows/{FLOW}/workflow.yml": f"""\
Workflow:
  '@WorkflowId': '{{{FLOW}}}'
  '@Name': Notify
  JsonFileName: /modernflows/{FLOW}/Notify-{FLOW.upper()}.json
  Category: 5
  StateCode: 1
  StatusCode: 2
  IntroducedVersion: 1.0.0.0
""",
    f"modernflows/{FLOW}/Notify-{FLOW.upper()}.json": '{"properties":{"definition":{"actions":{}}}}',
}
"""As the public repository has it that we saw: numbers without quotes, no list of missing dependencies."""


def observed(**changed: str | None) -> dict[str, bytes]:
    files = {**OBSERVED, **{path.replace("__", "/"): text for path, text in changed.items()}}
    return {path: text.encode() for path, text in files.items() if text is not None}


def orders(name: str = "Orders") -> Solution:
    return (
        Solution(name)
        .flow("Notify", flow({"A": compose("x: y # z")}, references={"shared_mail": "con_mail"}))
        .variable("con_Site", value="dev")
        .reference("con_mail")
        .table("Order", [column("con_total"), column("con_a")], forms=[form("Main", ["con_total"])])
        .table("Line", [column("con_n")], views=[view("All", ["con_n"]), view("Mine", ["con_n"])])
        .canvas("Shop", msapp([control("Home", "screen", Text='"ä"')]))
        .web_resource("con_/js/a.js", "alert(1)")
        .role("Clerk/Boss", prvReadAccount="Basic", prvWriteAccount="Global")
        .choice("con_state", Open=1, Closed=2)
        .connector("con_api", {"host": "x", "paths": {}})
        .file("botcomponents/con_t/data", b"kind: x\n")
        .file("botcomponents/con_t/botcomponent.xml", b'<botcomponent schemaname="con_t"><name>T</name></botcomponent>')
        .file("Formulas/con_Order-FormulaDefinitions.yaml", b"con_total: 1\n")
        .needs("acc_Thing", "Accounts (1.0.0.0)")
    )


def members(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def refused(files: dict[str, bytes], solution: str = "") -> InvalidPackageError:
    with pytest.raises(InvalidPackageError) as caught:
        FORMAT.pack_solution(files, solution)
    return caught.value


def test_what_git_integration_writes_becomes_a_package():
    inventory = FORMAT.inspect(FORMAT.pack(observed())).inventory
    assert (inventory.solution, inventory.version, inventory.managed) == ("Orders", "1.0.0.1", False)
    assert [(c.type, c.name) for c in inventory.components] == [("connection reference", "Mail"), ("flow", "Notify")]
    assert inventory.notes == ()
    packed = members(FORMAT.pack(observed()))
    assert f"Workflows/Notify-{FLOW.upper()}.json" in packed
    assert f"/Workflows/Notify-{FLOW.upper()}.json".encode() in packed["customizations.xml"]
    assert b"<CustomizationPrefix>con</CustomizationPrefix>" in packed["solution.xml"]
    assert FORMAT.inspect(FORMAT.pack(observed())).publisher == "Contoso (con)"


def test_it_is_the_package_that_the_classic_tree_gives():
    classic = FORMAT.pack(FORMAT.unpack(orders().build()))
    packed = FORMAT.pack(yaml_tree(classic))
    assert FORMAT.inspect(packed).inventory == FORMAT.inspect(classic).inventory
    assert FORMAT.diff(classic, packed).is_empty
    ours, theirs = members(packed), members(classic)
    texts = {"solution.xml", "customizations.xml"}
    assert {name: data for name, data in ours.items() if name not in texts} == {
        name: data for name, data in theirs.items() if name not in texts
    }
    manifests = [digest_xml(parse_xml(one["solution.xml"], where="")) for one in (ours, theirs)]
    assert manifests[0] == manifests[1]
    assert FORMAT.pack(yaml_tree(packed)) == packed
    assert FORMAT.pack(FORMAT.unpack(packed)) == packed


@pytest.mark.skipif(not PUBLISHED, reason="the collection of published solutions is not on this machine")
def test_every_published_solution_comes_back_from_the_yaml_layout():
    """Lists of one kind lose nothing but where other elements stood between them, as in the queries of five of them."""
    reordered = []
    for path in PUBLISHED:
        data = path.read_bytes()
        packed = FORMAT.pack(yaml_tree(data))
        found = FORMAT.diff(data, packed)
        assert (found.added, found.removed) == ((), ()), path.name
        ours, theirs = FORMAT.inspect(packed).inventory, FORMAT.inspect(data).inventory
        assert {c.name for c in ours.connections} == {c.name for c in theirs.connections}
        assert (ours.variables, ours.dependencies, ours.version) == (
            theirs.variables,
            theirs.dependencies,
            theirs.version,
        )
        edits = [edit.summary for change in found.changed for edit in change.edits]
        assert all("view *" in s and s.endswith("widths or settings changed") for s in edits), path.name
        reordered += [path.name] if edits else []
    assert len(reordered) == 5


# One solution of several.


def test_of_several_solutions_the_one_that_is_named_is_packed_and_nothing_of_the_others():
    tree = together(yaml_tree(orders().build()), _other("Billing"))
    assert FORMAT.solutions_in(tree) == ("Billing", "Orders")
    error = refused(tree)
    assert error.message == "the tree holds 2 solutions"
    assert error.hint == "name one of them with --solution: Billing, Orders"
    for name in ("Billing", "billing"):
        inventory = FORMAT.inspect(FORMAT.pack_solution(tree, name)).inventory
        assert [(c.type, c.name) for c in inventory.components] == [("web resource", "con_/b.js")]
    assert FORMAT.pack_solution(tree, "Orders") == FORMAT.pack(yaml_tree(orders().build()))
    assert refused(tree, "Sales").hint == "one of: Billing, Orders"


def _other(name):
    return yaml_tree(Solution(name).web_resource("con_/b.js", "1").build())


def test_a_table_that_two_solutions_share_gives_each_its_own_parts():
    first = yaml_tree(Solution("One").table("Order", [column("con_a")], forms=[form("F", ["con_a"])]).build())
    second = yaml_tree(Solution("Two").table("Order", [column("con_b")], views=[view("V", ["con_b"])]).build())
    tree = together(first, second)
    home, shown = "entities/con_order", id_of("form F")
    tree["solutions/One/solutioncomponents.yml"] = components(
        "publishers/Contoso",
        home,
        f"{home}/attributes/con_a.yml",
        f"{home}/formxml/main/{shown}",
        f"{home}/ribbondiffs",
    )
    tree["solutions/Two/solutioncomponents.yml"] = components(
        "publishers/Contoso", home, f"{home}/attributes/con_b.yml", f"{home}/savedqueries"
    )
    texts = [members(FORMAT.pack_solution(tree, name))["customizations.xml"] for name in ("One", "Two")]
    assert [b"con_a</LogicalName>" in text for text in texts] == [True, False]
    assert [b"con_b</LogicalName>" in text for text in texts] == [False, True]
    assert [b"<systemform>" in text for text in texts] == [True, False]
    assert [b"<savedquery>" in text for text in texts] == [False, True]


def test_a_table_brings_its_columns_along_where_only_its_forms_are_listed():
    tree = yaml_tree(Solution().table("Order", [column("con_a")], forms=[form("F", ["con_a"])]).build())
    home = "entities/con_order"
    tree[f"{LISTS}/solutioncomponents.yml"] = components(
        "publishers/Contoso", home, f"{home}/FormXml", f"{home}/ribbondiffs"
    )
    text = members(FORMAT.pack(tree))["customizations.xml"]
    assert b"con_a</LogicalName>" in text
    assert b"<systemform>" in text


@pytest.mark.parametrize(
    "text",
    [
        f"- Path: connectionreferences/con_mail\n- Path: modernflows/{FLOW}\n- Path: publishers/Contoso\n",
        f"SolutionComponents:\n  Component:\n  - '@path': Connectionreferences/\n  - '@path': modernflows/{FLOW}\n",
        f"- /connectionreferences/con_mail/connectionreference.yml\n- /modernflows/{FLOW}\n",
    ],
    ids=["documented", "case", "file"],
)
def test_lists_are_read_as_documented_and_as_written(text):
    tree = observed(**{f"{LISTS}/solutioncomponents.yml": text})
    assert FORMAT.pack(tree) == FORMAT.pack(observed())


def test_what_lies_beside_the_components_is_nobodys_business():
    tree = {**observed(), "README.md": b"x", "pipelines/build.yml": b": :", "tests/a.py": b"", ".github/x.yml": b":"}
    assert FORMAT.pack(tree) == FORMAT.pack(observed())


def test_a_file_among_the_components_that_no_solution_lists_is_refused():
    error = refused({**observed(), "modernflows/forgotten/workflow.yml": b"Workflow: {}"})
    assert (error.message, error.where) == ("the file is listed by no solution", "modernflows/forgotten/workflow.yml")


def test_readable_copies_of_canvas_apps_are_passed_over():
    tree = yaml_tree(orders().build())
    home = next(path.rpartition("/")[0] for path in tree if path.endswith(".msapp"))
    assert FORMAT.pack({**tree, f"{home}/Src/Home.pa.yaml": b"Screens: 1"}) == FORMAT.pack(tree)


def test_a_canvas_app_that_is_laid_out_is_put_together_again():
    tree = yaml_tree(orders().build())
    (path,) = [path for path in tree if path.endswith(".msapp")]
    with zipfile.ZipFile(io.BytesIO(tree.pop(path))) as app:
        laid_out = {f"{path.removesuffix('.msapp')}/{i.orig_filename}": app.read(i) for i in app.infolist()}
    laid_out = {name.replace("\\", "/"): data for name, data in laid_out.items()}
    packed = FORMAT.pack({**tree, **laid_out, f"{path.removesuffix('.msapp')}/Src/App.pa.yaml": b"App: 1"})
    found = FORMAT.diff(FORMAT.pack(yaml_tree(orders().build())), packed)
    assert (found.added, found.removed) == ((), ())
    (name,) = [name for name in members(packed) if name.endswith(".msapp")]
    with zipfile.ZipFile(io.BytesIO(members(packed)[name])) as app:
        assert "Src\\App.pa.yaml" in {info.orig_filename for info in app.infolist()}


# What is missing.


def test_everything_that_is_missing_is_named_in_one_error():
    lists = components("publishers/Contoso", "connectionreferences/con_mail", f"modernflows/{FLOW}", "roles/clerk")
    roots = """\
RootComponents:
  RootComponent:
  - '@type': 29
    '@id': '{nothing}'
  - '@type': 1
    '@schemaName': con_order
  - '@type': 59
    '@id': '{chart}'
  - '@type': 10042
    '@schemaName': con_unheard
"""
    changed = {f"{LISTS}/solutioncomponents.yml": lists.decode(), f"{LISTS}/rootcomponents.yml": roots}
    changed |= {f"modernflows/{FLOW}/Notify-{FLOW.upper()}.json": None, "publishers/Contoso/publisher.yml": None}
    error = refused(observed(**changed))
    assert error.message == "8 things that it lists are not in the tree"
    assert error.where == LISTS
    told = "\n".join(error.details)
    for missing in (
        "roles/clerk is listed in",
        "publishers/Contoso is listed in",
        "publishers/Contoso/publisher.yml, the publisher",
        f"Notify-{FLOW.upper()}.json is named by modernflows/{FLOW}/workflow.yml",
        "process nothing is listed in rootcomponents.yml",
        "table con_order is listed in",
        "chart chart is listed in",
        "component of type 10042 con_unheard is listed in",
    ):
        assert missing in told


def test_parts_of_a_table_that_is_not_there_are_missing_it():
    tree = yaml_tree(Solution().table("Order", [column("con_a")]).build())
    del tree["entities/con_order/entity.yml"]
    assert "entities/con_order/entity.yml, for what is in that folder" in refused(tree).details


def test_a_root_component_of_a_kind_that_differs_between_environments_is_found_by_its_name():
    text = f"""\
RootComponents:
  RootComponent:
  - '@type': 29
    '@id': '{{{FLOW}}}'
  - '@type': 10037
    '@schemaName': con_mail
"""
    assert FORMAT.pack(observed(**{f"{LISTS}/rootcomponents.yml": text}))


@pytest.mark.parametrize("name", ["solutioncomponents.yml", "rootcomponents.yml"])
def test_a_manifest_file_that_is_missing_is_named(name):
    error = refused(observed(**{f"{LISTS}/{name}": None}))
    assert (error.message, error.where) == ("the file is missing", f"{LISTS}/{name}")


# Bad input.

WORKFLOW = f"modernflows/{FLOW}/workflow.yml"
DEEP = "".join(f"{' ' * n}a:\n" for n in range(150))


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        (WORKFLOW, "Workflow: &a\n  x: *a\n", "anchors and aliases are not read"),
        (WORKFLOW, "Workflow: !!python/object:os.system {}\n", "tags are not read"),
        (WORKFLOW, "Workflow:\n  a: 1\n  a: 2\n", "the key a is there twice"),
        (WORKFLOW, "Workflow:\n\ta: 1\n", "not valid YAML"),
        (WORKFLOW, "Workflow: {a: [1\n", "not valid YAML"),
        (WORKFLOW, "Workflow:\n---\nWorkflow:\n", "a second document begins here"),
        (WORKFLOW, 'Workflow:\n  a: "\\x01"\n', "a character that XML cannot hold"),
        (WORKFLOW, "Workflow:\n  'a b': 1\n", "no name of an element"),
        (WORKFLOW, "Workflow:\n  '@a b': 1\n", "no name of an element"),
        (WORKFLOW, "Workflow:\n  '@a': {b: 1}\n", "@a must be a text"),
        (WORKFLOW, "Workflow:\n  a:\n  - - 1\n", "a list has no place in a list"),
        (WORKFLOW, "Workflow:\n  ? [a]\n  : 1\n", "a key must be a text"),
        (WORKFLOW, DEEP, "nested more than 100 levels deep"),
        (WORKFLOW, "", "not exactly one element"),
        (WORKFLOW, "a: 1\nb: 2\n", "not exactly one element"),
        (WORKFLOW, "- 1\n", "not exactly one element"),
        ("connectionreferences/con_mail/x.yml", "Entity:\n  Name: a\n", None),
        (f"{LISTS}/solutioncomponents.yml", "SolutionComponents:\n  Component:\n  - path: x\n", "an entry is no path"),
        (f"{LISTS}/solution.yml", "Solution:\n  UniqueName: Orders\n", "no ImportExportXml with a SolutionManifest"),
        (f"{LISTS}/rootcomponents.yml", "Roots:\n  RootComponent:\n", "not RootComponents but Roots"),
    ],
)  # fmt: skip
def test_whatever_is_wrong_is_one_clear_error_with_its_place(path, text, told):
    tree = observed(**{path: text})
    if told is None:
        assert FORMAT.pack(tree)
        return
    error = refused(tree)
    assert told in error.message
    assert error.where.startswith(path)
    assert error.hint


def test_text_that_is_no_utf_8_is_refused():
    error = refused({**observed(), WORKFLOW: b"Workflow:\n  a: \xff\n"})
    assert error.message.startswith("not UTF-8 text")


def test_a_folder_that_is_called_otherwise_than_its_solution_is_refused():
    text = OBSERVED[f"{LISTS}/solution.yml"].replace("UniqueName: Orders", "UniqueName: Sales")
    assert "about another solution: 'Sales'" in refused(observed(**{f"{LISTS}/solution.yml": text})).message


def test_two_components_never_share_a_file():
    files = {
        "botcomponents/con_t/botcomponent.yml": b"botcomponent:\n",
        "botcomponents/con_t/botcomponent.xml": b"<a/>",
    }
    lists = components("publishers/Contoso", "connectionreferences", f"modernflows/{FLOW}", "botcomponents/con_t")
    error = refused({**observed(), **files, f"{LISTS}/solutioncomponents.yml": lists})
    assert (error.message, error.where) == (
        "two components would be in one file",
        "botcomponents/con_t/botcomponent.xml",
    )


def test_records_of_other_tables_are_read_whether_they_are_yaml_or_xml():
    lists = components("publishers/Contoso", "connectionreferences", f"modernflows/{FLOW}", "customapis/con_Do")
    for file, data in (("customapi.yml", b"customapi:\n  '@uniquename': con_Do\n"), ("customapi.xml", b"<customapi/>")):
        tree = {**observed(), f"customapis/con_Do/{file}": data, f"{LISTS}/solutioncomponents.yml": lists}
        inventory = FORMAT.inspect(FORMAT.pack(tree)).inventory
        assert ("custom API", "con_Do") in {(c.type, c.name) for c in inventory.components}


def test_unsafe_paths_are_refused_before_anything_is_read():
    with pytest.raises(InvalidPackageError, match="unsafe"):
        FORMAT.pack({**observed(), "modernflows/../../x": b""})


def test_scalars_are_texts_as_they_are_written():
    """YAML would make `1.0` a number, `no` a truth and `012` an octal; the package says what the file says."""
    text = OBSERVED[WORKFLOW].replace("1.0.0.0", "1.10") + "  Scope: 012\n  PrimaryEntity: no\n  Mode: ''\n  Type: ~\n"
    packed = members(FORMAT.pack(observed(**{WORKFLOW: text})))["customizations.xml"]
    for element in (b"<IntroducedVersion>1.10<", b"<Scope>012<", b"<PrimaryEntity>no<", b"<Mode />", b"<Type />"):
        assert element in packed


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)


@given(text=TEXTS, name=TEXTS)
def test_any_text_comes_through(text, name):
    node = {
        "Workflow": {"@WorkflowId": f"{{{FLOW}}}", "@Name": name, "Category": "5", "Description": text.strip() or None}
    }
    (flow_,) = FORMAT.inspect(
        FORMAT.pack(observed(**{WORKFLOW: written(node), f"modernflows/{FLOW}/Notify-{FLOW.upper()}.json": None}))
    ).inventory.components[1:]
    assert flow_.name == (name or FLOW)


DAMAGE = [b"", b"'", b"\n", b"  ", b":", b"- ", b"&a", b"*a", b"{", b"\x00", b"\xff", b"@", b"!"]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_does_anything_but_be_refused_or_packed(data):
    tree = observed()
    path = data.draw(st.sampled_from(sorted(tree)))
    content = bytearray(tree[path])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        content[at : at + data.draw(st.integers(0, 6))] = data.draw(st.sampled_from(DAMAGE))
    tree[path] = bytes(content)
    with contextlib.suppress(InvalidPackageError):
        assert FORMAT.inspect(FORMAT.pack(tree))
