"""Packages become source that people can review, and source becomes the same package again."""

from __future__ import annotations

import io
import json
import zipfile
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.solutions import (
    Solution,
    after,
    column,
    compose,
    control,
    flow,
    form,
    id_of,
    msapp,
    request,
    view,
    zipped,
)

FORMAT = SolutionFormat()


def orders():
    return (
        Solution()
        .flow("Notify", flow({"B": after(compose({"z": 1, "a": 2}), "A"), "A": compose("x")}))
        .variable("con_Site", value="dev")
        .reference("con_sp")
        .table("Order", [column("con_total")], forms=[form("Main", ["con_total"])], views=[view("All", ["con_total"])])
        .canvas("Shop", msapp([control("Home", "screen", Text='"ä"')]))
        .web_resource("con_/js/a.js", "alert(1)")
        .role("Clerk/Boss", prvReadAccount="Basic")
        .choice("con_state", Open=1)
        .connector("con_api", {"host": "x", "paths": {}})
        .file("botcomponents/con_t/data", b"kind: x\n")
    )


def source():
    return dict(FORMAT.unpack(orders().build()))


def test_every_component_lies_where_the_platforms_own_tools_put_it():
    flow_file = f"Workflows/Notify-{id_of('flow Notify').upper()}.json"
    app = f"con_shop_{id_of('Shop')[:5]}"
    assert set(source()) == {
        *("Other/Solution.xml", "Other/Customizations.xml", flow_file, f"{flow_file}.data.xml"),
        "Entities/con_Order/Entity.xml",
        "Entities/con_Order/RibbonDiff.xml",
        f"Entities/con_Order/FormXml/main/{{{id_of('form Main')}}}.xml",
        f"Entities/con_Order/SavedQueries/{{{id_of('view All')}}}.xml",
        *("WebResources/con_/js/a.js", "WebResources/con_/js/a.js.data.xml"),
        *("Roles/Clerk_Boss.xml", "OptionSets/con_state.xml"),
        *("Connectors/con_api.xml", "Connectors/con_api_openapidefinition.json"),
        f"CanvasApps/{app}.meta.xml",
        *(f"CanvasApps/{app}_DocumentUri.msapp/{name}" for name in ("Header.json", "Properties.json", "checksum.json")),
        f"CanvasApps/{app}_DocumentUri.msapp/References/DataSources.json",
        f"CanvasApps/{app}_DocumentUri.msapp/Controls/1.json",
        "environmentvariabledefinitions/con_Site/environmentvariabledefinition.xml",
        "environmentvariabledefinitions/con_Site/environmentvariablevalues.json",
        "botcomponents/con_t/data",
    }


def test_the_way_to_source_and_back_changes_nothing():
    data = orders().build()
    packed = FORMAT.pack(FORMAT.unpack(data))
    assert FORMAT.inspect(packed).inventory == FORMAT.inspect(data).inventory
    assert FORMAT.unpack(packed) == FORMAT.unpack(data)
    assert FORMAT.pack(FORMAT.unpack(packed)) == packed


def test_flows_are_readable_and_what_actions_are_given_keeps_its_order():
    (text,) = [
        data.decode() for path, data in source().items() if path.startswith("Workflows") and path.endswith("json")
    ]
    assert text.index('"A"') < text.index('"B"')
    assert text.index('"z": 1') < text.index('"a": 2')
    assert text.startswith("{\n  ")


@pytest.mark.parametrize(
    "text", ['{"properties": {"definition": {}}, "a": 1, "a": 2}', '{"properties": {"definition": {"x": 1.10}}}']
)
def test_a_flow_that_would_lose_something_stays_as_it_is(text):
    solution = Solution().flow("Notify", flow({}))
    (name,) = [name for name in solution.members if name.startswith("Workflows/")]
    solution.members[name] = text.encode()
    assert FORMAT.unpack(solution.build())[name] == text.encode()


def members_of(data, ending):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(ending)]
        return archive.read(name)


def app_members(data):
    with zipfile.ZipFile(io.BytesIO(members_of(data, ".msapp"))) as app:
        return {info.orig_filename: app.read(info) for info in app.infolist()}


def test_a_canvas_app_is_laid_out_readable_and_comes_back_byte_for_byte():
    data = orders().build()
    packed = FORMAT.pack(FORMAT.unpack(data))
    assert app_members(packed) == app_members(data)
    (screen,) = [data for path, data in source().items() if path.endswith("Controls/1.json")]
    assert b'\n  "TopParent": {\n' in screen


def test_a_file_in_an_app_that_git_would_obey_is_written_out():
    app = zipped({"Controls\\1.json": b"{}", ".gitignore": b"/Controls/"})
    data = Solution().canvas("Shop", app).build()
    tree = FORMAT.unpack(data)
    assert [path.rpartition("/")[2] for path in tree if ".msapp/" in path] == ["%2Egitignore", "1.json"]
    assert app_members(FORMAT.pack(tree)) == app_members(data)


def test_an_edit_in_the_source_is_an_edit_in_the_package():
    edited = source()
    (name,) = [name for name in edited if name.endswith("Controls/1.json")]
    edited[name] = edited[name].replace(b'"screen"', b'"page"')
    (change,) = FORMAT.diff(orders().build(), FORMAT.pack(edited)).changed
    assert change.component.type == "canvas app"


def test_source_that_is_managed_and_unmanaged_at_once_is_unmanaged():
    both = source()
    both["Other/Solution.xml"] = both["Other/Solution.xml"].replace(b"<Managed>0", b"<Managed>2")
    assert FORMAT.inspect(FORMAT.pack(both)).inventory.managed is False


def test_a_form_in_both_forms_is_read_once():
    both = source()
    (name,) = [name for name in both if "FormXml" in name]
    both[name] = (
        b'<forms xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">' + both[name].split(b"\n", 1)[1] + b"</forms>"
    )
    both[name.replace(".xml", "_managed.xml")] = both[name]
    assert FORMAT.diff(orders().build(), FORMAT.pack(both)).is_empty


def test_a_package_names_the_types_of_its_files():
    types = members_of(FORMAT.pack(source()), "[Content_Types].xml").decode()
    assert '<Default Extension="json" ContentType="application/octet-stream"' in types
    assert '<Override PartName="/botcomponents/con_t/data"' in types


def test_hidden_files_and_the_old_form_of_apps_are_passed_over():
    more = source() | {".gitattributes": b"x", ".git/HEAD": b"x", "CanvasApps/src/shop/Src/App.fx.yaml": b"x"}
    assert FORMAT.pack(more) == FORMAT.pack(source())


BAD_TREES = {
    "no manifest": (lambda tree: tree.pop("Other/Solution.xml"), "missing"),
    "no customizations": (lambda tree: tree.pop("Other/Customizations.xml"), "missing"),
    "stray file": (lambda tree: tree.update({"notes.txt": b""}), "belongs to no component"),
    "stray file beside a table": (
        lambda tree: tree.update({"Entities/con_Order/x.xml": b""}),
        "belongs to no component",
    ),
    "a table without its own file": (lambda tree: tree.pop("Entities/con_Order/Entity.xml"), "belongs to no component"),
    "climbing": (lambda tree: tree.update({"../x": b""}), "unsafe"),
    "twice but for case": (lambda tree: tree.update({"roles/clerk_boss.xml": b"<Role/>"}), "differ only in case"),
    "another element": (lambda tree: tree.update({"Roles/X.xml": b"<Other/>"}), "not a Role but a Other"),
    "broken XML": (lambda tree: tree.update({"Roles/X.xml": b"<Role>"}), "not valid XML"),
    "both layouts": (lambda tree: tree.update({"solutions/Orders/solution.yml": b""}), "both layouts"),
    "an app twice": (
        lambda tree: tree.update({f"CanvasApps/con_shop_{id_of('Shop')[:5]}_DocumentUri.msapp": b""}),
        "as a file and as a folder",
    ),
}


@pytest.mark.parametrize("case", BAD_TREES)
def test_a_tree_that_is_no_solution_is_refused_with_a_cure(case):
    change, message = BAD_TREES[case]
    tree = source()
    change(tree)
    with pytest.raises(InvalidPackageError, match=message) as caught:
        FORMAT.pack(tree)
    assert caught.value.hint


def test_two_components_never_share_a_file():
    solution = Solution().web_resource("con_a.js", "1").web_resource("con_A.js", "2")
    with pytest.raises(InvalidPackageError, match="two things would lie in this file"):
        FORMAT.unpack(solution.build())


def test_a_member_cannot_take_the_place_of_the_manifest():
    with pytest.raises(InvalidPackageError, match="two things would lie in this file"):
        FORMAT.unpack(Solution().file("Other/Solution.xml", b"<x/>").build())


NAMES = st.text("abcXYZ /:*<>&'\"ä.", min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(NAMES, NAMES, st.text(max_size=30), st.dictionaries(st.text("AB_", min_size=1, max_size=3), st.integers(0, 9)))
def test_whatever_makers_call_things_the_source_gives_the_same_package(role, script, text, bodies):
    solution = Solution()
    if text.isprintable():
        solution.flow(text, flow({name: request(f"https://{value}") for name, value in bodies.items()}))
    solution.role(escape(role, {'"': "&quot;"})).web_resource(escape(script), text)
    data = solution.build()
    packed = FORMAT.pack(FORMAT.unpack(data))
    assert FORMAT.inspect(packed).inventory == FORMAT.inspect(data).inventory


def test_source_is_plain_files_only():
    assert all(isinstance(data, bytes) for data in source().values())
    assert json.loads(source()["Connectors/con_api_openapidefinition.json"]) == {"host": "x", "paths": {}}
