"""What a solution is and holds is read from its manifest and from all three places, and recognised again."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.package import Connection, Dependency, Variable
from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.manifest import version_key
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.solutions import (
    Solution,
    after,
    call,
    column,
    compose,
    control,
    flow,
    form,
    msapp,
    request,
    view,
    zipped,
)

FORMAT = SolutionFormat()


def orders(**facts):
    return (
        Solution(**facts)
        .flow(
            "Notify",
            flow(
                {"Get_items": call("shared_sharepointonline", "GetItems"), "Send": after(request("@x()"), "Get_items")},
                variables={"con_Site": ""},
                references={"shared_sharepointonline": "con_sp"},
            ),
        )
        .flow("Sleep", flow({}), on=False)
        .variable("con_Site")
        .variable("con_Retries", "number", default="3")
        .variable("con_Key", "secret")
        .reference("con_sp")
        .table(
            "Order",
            [column("con_total", "decimal", shown="Total"), column("con_note", "ntext", shown="Note")],
            forms=[form("Information", ["con_total", "con_note"], {"con_total": "Total", "con_note": "Remark"})],
            views=[view("All orders", ["con_total"])],
        )
        .canvas("Shop", msapp([control("Home", "screen", [control("Go", "button", Text='"Go"')])]))
        .web_resource("con_/js/a.js", "alert(1)")
        .role("Clerk", prvReadAccount="Global")
        .choice("con_state", Open=1, Closed=2)
    )


def fingerprint(solution):
    return FORMAT.inspect(solution.build()).inventory.fingerprint


def test_identity_comes_from_the_manifest():
    inspection = FORMAT.inspect(orders(name="Shop", version="20260603.1", managed=True, publisher="Fabrikam").build())
    inventory = inspection.inventory
    assert (inventory.platform, inventory.solution, inventory.version) == ("power-platform", "Shop", "20260603.1")
    assert inventory.managed is True
    assert inspection.publisher == "Fabrikam (con)"
    assert FORMAT.inspect(orders().build()).inventory.managed is False


def test_components_come_from_all_three_places():
    found = {(c.type, c.name) for c in FORMAT.inspect(orders().build()).inventory.components}
    assert found == {
        *(("flow", "Notify"), ("flow", "Sleep"), ("table", "Order"), ("canvas app", "Shop")),
        *(
            ("environment variable", "con_Site"),
            ("environment variable", "con_Retries"),
            ("environment variable", "con_Key"),
        ),
        *(("connection reference", "con_sp"), ("web resource", "con_/js/a.js"), ("security role", "Clerk")),
        ("choice", "con_state"),
    }


def test_what_an_environment_must_give_is_told_with_its_type():
    inventory = FORMAT.inspect(orders().build()).inventory
    assert inventory.variables == (
        Variable("con_Key", "secret", required=True, has_default=False),
        Variable("con_Retries", "number", required=False, has_default=True),
        Variable("con_Site", "string", required=True, has_default=False, used_by=("flow Notify",)),
    )
    assert inventory.connections == (Connection("con_sp", "shared_sharepointonline", ("connection",), "con_sp"),)


def test_a_value_left_in_the_package_is_no_default():
    (variable,) = FORMAT.inspect(Solution().variable("con_Site", value="x").build()).inventory.variables
    assert (variable.required, variable.has_default) == (True, False)


def test_what_must_be_there_beforehand_is_told():
    solution = orders().needs("con_base", "Base (1.2.0.3)").needs("con_loose").needs("con_base2", "Base (1.2.0.3)")
    assert FORMAT.inspect(solution.build()).inventory.dependencies == (
        Dependency("solution", "Base", "1.2.0.3"),
        Dependency("unmanaged table", "con_loose"),
    )


def test_what_is_turned_off_missing_or_foreign_is_noted():
    solution = orders()
    solution.roots.append('<RootComponent type="29" id="{00000000-0000-0000-0000-000000000001}" behavior="0" />')
    solution.flow("Uses", flow({}, variables={"con_Elsewhere": ""}))
    notes = FORMAT.inspect(solution.build()).inventory.notes
    assert "turned off in the package: Sleep" in notes
    assert "environment variable con_elsewhere is used by flow Uses and not in the package" in notes
    assert any("process 00000000-0000-0000-0000-000000000001 is listed" in note for note in notes)
    assert FORMAT.inspect(Solution().flow("A", flow({})).build()).inventory.notes == ()


def test_the_ribbon_of_the_application_is_one_component():
    solution = orders()
    solution.sections["RibbonDiffXml"] = ["<CustomActions><A Id='a' /></CustomActions>", "<Templates />"]
    data = solution.build()
    assert ("ribbon", "of the application") in {(c.type, c.name) for c in FORMAT.inspect(data).inventory.components}
    assert FORMAT.inspect(FORMAT.pack(FORMAT.unpack(data))).inventory == FORMAT.inspect(data).inventory


def reordered(data):
    """Return the same zip with its members in another order, stored, and with folders."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        new.writestr("Workflows/", b"")
        for name in reversed(old.namelist()):
            new.writestr(zipfile.ZipInfo(name), old.read(name))
    return buffer.getvalue()


def test_what_is_volatile_changes_no_fingerprint():
    data = orders().build()
    same = orders()
    for name, content in list(same.members.items()):
        if name.startswith("Workflows/"):
            value = json.loads(content)
            value["properties"]["definition"]["actions"] = {
                key: {**body, "metadata": {"operationMetadataId": "1"}}
                for key, body in reversed(value["properties"]["definition"]["actions"].items())
            }
            same.members[name] = json.dumps(value).encode()
    same.sections["CanvasApps"] = []
    same.canvas(
        "Shop",
        msapp([control("Home", "screen", [control("Go", "button", Text='"Go"')])], saved="07/07/2027"),
        app_version="2027-07-07T07:07:07Z",
        hints="other",
    )
    again = same.build()
    assert FORMAT.inspect(reordered(data)).inventory == FORMAT.inspect(data).inventory
    assert FORMAT.inspect(again).inventory == FORMAT.inspect(data).inventory
    assert again != data


def test_white_space_in_xml_changes_no_fingerprint():
    plain, spread = orders(), orders()
    spread.sections = {
        key: [one.replace("><", ">\r\n\t  <") for one in found] for key, found in spread.sections.items()
    }
    assert fingerprint(spread) == fingerprint(plain)


def test_the_managed_form_is_the_same_build():
    """A managed export says so, and leaves out what forms call a column when that is the column's own name."""
    unmanaged, managed = orders(), orders(managed=True)
    blanked = [
        one.replace('<label description="Total"', '<label description=""') for one in managed.sections["Entities"]
    ]
    assert blanked != managed.sections["Entities"]
    managed.sections["Entities"] = blanked
    assert fingerprint(managed) == fingerprint(unmanaged)
    found = FORMAT.diff(unmanaged.build(), managed.build())
    assert found.is_empty
    assert "of the same build" in found.notes[0]


CHANGES = {
    "a flow does something else": lambda s: s.flow("Extra", flow({"A": compose(1)})),
    "a label of its own": lambda s: s.sections["Entities"].__setitem__(
        0, s.sections["Entities"][0].replace('description="Remark"', 'description="Comment"')
    ),
    "another default": lambda s: s.variable("con_Retries", "number", default="4"),
    "a script": lambda s: s.members.update({n: b"alert(2)" for n in s.members if n.startswith("WebResources")}),
    "turned off": lambda s: s.sections["Workflows"].__setitem__(
        0, s.sections["Workflows"][0].replace("<StateCode>1", "<StateCode>0")
    ),
    "a privilege": lambda s: s.sections["Roles"].__setitem__(0, s.sections["Roles"][0].replace("Global", "Basic")),
    "a file": lambda s: s.file("Anything/x.bin", b"1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_it_does_is_in_the_fingerprint(change):
    changed = orders()
    CHANGES[change](changed)
    assert fingerprint(changed) != fingerprint(orders())


def test_a_value_in_the_package_is_a_component_and_its_foreign_id_is_not_told():
    one = Solution().variable("con_Site", value="a")
    other = Solution().variable("con_Site", value="a")
    for name in other.members:
        if name.endswith("values.json"):
            held = json.loads(other.members[name])
            held["environmentvariablevalues"]["environmentvariablevalue"]["@environmentvariablevalueid"] = "another"
            other.members[name] = json.dumps(held).encode()
    assert fingerprint(one) == fingerprint(other)
    assert fingerprint(one) != fingerprint(Solution().variable("con_Site", value="b"))


def test_a_version_is_stamped_and_nothing_else_changes():
    data = orders(version="1.0.0.0").build()
    stamped = FORMAT.stamp(data, "1.4.0")
    assert FORMAT.inspect(stamped).inventory.version == "1.4.0"
    assert FORMAT.diff(data, stamped).is_empty
    assert FORMAT.stamp(stamped, "1.4.0") == stamped
    for bad in ("", "1", "1.x", "1.2.3.4.5", "1.0</Version><Managed>1"):
        with pytest.raises(InvalidPackageError):
            FORMAT.stamp(data, bad)


@given(st.lists(st.integers(0, 99), min_size=2, max_size=4), st.lists(st.integers(0, 99), min_size=2, max_size=4))
def test_versions_are_ordered_part_by_part_as_numbers(one, other):
    written = [".".join(map(str, parts)) for parts in (one, other)]
    padded = [(*parts, 0, 0)[:4] for parts in (one, other)]
    assert (version_key(written[0]) < version_key(written[1])) == (padded[0] < padded[1])


def test_a_zip_that_is_none_of_ours_is_left_to_others():
    assert not FORMAT.recognises(zipped({"manifest.json": b"{}", "flows.json": b"[]"}))
    assert FORMAT.recognises(orders().build())
