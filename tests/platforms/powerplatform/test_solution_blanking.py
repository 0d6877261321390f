"""Values of dev are taken out of flows, and not one byte of anything else changes."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.app import open_scanner
from lampway.domain.package import Severity
from lampway.domain.transformation import Blank
from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.blank import without_defaults
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.solutions import Solution, compose, flow, id_of

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "power-platform"
PUBLISHED = sorted(FOLDER.glob("*.zip"))
FORMAT = SolutionFormat()
SITE = "https://contoso.sharepoint.com/sites/dev"
VAULT = "/subscriptions/1/resourceGroups/r/providers/Microsoft.KeyVault/vaults/v/secrets/s"


def members(package):
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def place(name, variable):
    return f"flow {name} / parameter {variable} ({variable}) / default value"


def test_only_the_flows_that_keep_something_are_touched_and_only_there():
    solution = (
        Solution()
        .flow("Notify", flow({"Store": compose(SITE)}, variables={"con_Site": SITE, "con_Box": ""}))
        .flow("Other", flow({}, variables={"con_Box": None}))
        .variable("con_Site")
        .variable("con_Box", value="kept as it is: that is another fault")
        .canvas("Home", b"PK-not-read")
        .file("Other/data.bin", bytes(range(256)))
    )
    package = solution.build()
    blanked = FORMAT.blank(package)
    assert blanked.blanks == (Blank(place("Notify", "con_Site"), "con_Site"),)
    before, after = members(package), members(blanked.package)
    (touched,) = [name for name in before if before[name] != after[name]]
    assert after.keys() == before.keys()
    text = f'"defaultValue": "{SITE}"'.encode()
    assert before[touched].replace(text, b'"defaultValue": null') == after[touched]
    assert json.loads(after[touched])["properties"]["definition"]["actions"]["Store"]["inputs"] == SITE


def test_every_kind_of_value_is_taken_out():
    values = {"a": "x", "b": True, "c": 5, "d": 1.5e3, "e": {"deep": [{"}": '"'}]}, "f": [1, [2]], "g": False, "h": 0}
    package = Solution().flow("All", flow({}, variables=values)).build()
    blanked = FORMAT.blank(package)
    assert [b.name for b in blanked.blanks] == list(values)
    assert not [f for f in FORMAT.inspect(blanked.package).findings if f.rule == "dev-value-as-default"]


def test_what_the_definition_says_to_everybody_and_what_no_variable_gives_stays():
    mine = flow({}, variables={"con_Library": "Documents", "con_On": True})
    mine["properties"]["definition"]["parameters"]["con_Fixed"] = {"type": "String", "defaultValue": "a constant"}
    solution = Solution().flow("Notify", mine).variable("con_Library", default="Documents")
    package = solution.variable("con_On", "yes/no", default="yes").build()
    assert FORMAT.blank(package).package == package


def test_two_flows_that_are_called_alike_are_told_apart():
    solution = Solution().flow("Notify", flow({}, variables={"con_Site": SITE}))
    twin = Solution(sections=solution.sections, members=solution.members, roots=solution.roots)
    file, header = f"Workflows/Notify-{id_of('twin').upper()}.json", solution.sections["Workflows"][0]
    twin.members[file] = next(data for name, data in solution.members.items() if "Workflows" in name)
    twin.sections["Workflows"].append(
        header.replace(id_of("flow Notify"), id_of("twin")).replace(id_of("flow Notify").upper(), id_of("twin").upper())
    )
    blanks = FORMAT.blank(twin.build()).blanks
    assert len({b.place for b in blanks}) == 2
    findings = FORMAT.inspect(twin.build()).findings
    assert {b.place for b in blanks} == {f.place for f in findings if f.rule == "dev-value-as-default"}


HEAD = '{"properties":{"definition":{"parameters":'


@pytest.mark.parametrize(
    ("before", "value"),
    [
        ("\ufeff" + HEAD + '{"p":{"defaultValue":"x"}}}}}', '"x"'),
        ("\r\n" + HEAD + '{"p"\t:{ "defaultValue"  :  "}\\"," ,"type":"S"}}}}}\n', '"}\\","'),
        (HEAD + '{"p":{"defaultValue":"a","defaultValue":"a"}}}}}', '"a"'),
        ('{"properties":{"x":1},' + HEAD[1:] + '{"q":{},"p":{"defaultValue":[1]}}}}}', "[1]"),
        ('{"defaultValue":1,' + HEAD[1:] + '{"p":{"metadata":{"defaultValue":2}}}}}}', "never"),
    ],
    ids=["mark", "white-space", "twice", "twin-holders", "elsewhere"],
)
def test_the_text_around_a_value_stays_as_it_was_written(before, value):
    edited = without_defaults(before.encode(), ["p"], where="f.json").decode()
    assert edited == before.replace(value, "null")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(
    given_=st.dictionaries(st.sampled_from(["p", "q", "r", 's"t', "\u00fc"]), JSON, min_size=1),
    around=st.dictionaries(st.sampled_from(["a", "defaultValue", "parameters", "{"]), JSON, max_size=3),
    indent=st.sampled_from([None, 0, 3]),
    plain=st.booleans(),
)
def test_whatever_a_flow_holds_only_what_is_named_becomes_nothing(given_, around, indent, plain):
    parameters = {name: {**around, "type": "String", "defaultValue": value} for name, value in given_.items()}
    whole = {**around, "properties": {**around, "definition": {**around, "parameters": parameters}}, "z": around}
    text = json.dumps(whole, indent=indent, ensure_ascii=plain)
    named = sorted(given_)[::2]
    edited = without_defaults(text.encode(), named, where="f.json").decode()
    for name in named:
        parameters[name]["defaultValue"] = None
    assert edited == json.dumps(whole, indent=indent, ensure_ascii=plain)


def test_a_text_that_is_no_flow_after_all_is_refused_with_its_place():
    with pytest.raises(InvalidPackageError, match="cannot be edited") as caught:
        without_defaults(b'{"properties":{"definition":{"parameters":{"p":{"defaultValue":}}}}}', ["p"], where="f.json")
    assert caught.value.where == "f.json"


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip", Solution().build()[:80]])
def test_what_is_no_package_is_refused_as_everywhere(data):
    with pytest.raises(InvalidPackageError):
        FORMAT.blank(data)


def test_a_variable_of_type_secret_may_hold_a_reference_to_a_vault_alone_wherever_it_stands():
    """In the definition, as a current value, and as what a flow keeps of it, whatever it is called."""
    plain, scanner = "just-a-word", open_scanner()
    holding = {
        "definition": Solution().variable("con_Thing", "secret", default=plain),
        "value": Solution().variable("con_Thing", "secret", value=plain),
        "flow": Solution().variable("con_Thing", "secret").flow("Go", flow({}, variables={"con_Thing": plain})),
    }
    for name, solution in holding.items():
        inspection = FORMAT.inspect(solution.build())
        (found,) = inspection.faults(scanner.scan(inspection.literals))
        assert found.severity is Severity.SECRET, name
        assert plain not in str(found)
    vaulted = Solution().variable("con_Thing", "secret", default=VAULT)
    assert not FORMAT.inspect(vaulted.build()).findings
    kept = Solution().variable("con_Thing", "secret").flow("Go", flow({}, variables={"con_Thing": VAULT}))
    assert [f.severity for f in FORMAT.inspect(kept.build()).findings] == [Severity.ENDPOINT], "the vault of dev"


@pytest.mark.skipif(not PUBLISHED, reason="the collection of published solutions is not on this machine")
def test_of_every_published_solution_nothing_but_those_values_is_lost():
    taken = 0
    for path in PUBLISHED:
        package = path.read_bytes()
        blanked = FORMAT.blank(package)
        old, new = FORMAT.inspect(package), FORMAT.inspect(blanked.package)
        left = {f.place for f in old.findings if f.rule == "dev-value-as-default"}
        assert {b.place for b in blanked.blanks} == left, path.name
        assert set(new.findings) == {f for f in old.findings if f.rule != "dev-value-as-default"}
        assert (new.inventory.variables, new.inventory.connections) == (
            old.inventory.variables,
            old.inventory.connections,
        )
        before, after = members(package), members(blanked.package)
        assert after.keys() == before.keys()
        touched = {name for name in before if before[name] != after[name]}
        assert all(name.startswith("Workflows/") for name in touched)
        found = FORMAT.diff(package, blanked.package)
        changed = {change.component.id for change in found.changed}
        assert (found.added, found.removed, len(changed)) == ((), (), len(touched))
        edits = [edit.summary for change in found.changed for edit in change.edits]
        assert len(edits) == len(left)
        assert all(s.startswith("value kept as default") and " removed" in s for s in edits)
        same = {c for c in old.inventory.components if c.id not in changed}
        assert same == {c for c in new.inventory.components if c.id not in changed}
        assert FORMAT.blank(blanked.package).package == blanked.package
        taken += len(left)
    assert taken == 36, "as many as there are in the collection"
