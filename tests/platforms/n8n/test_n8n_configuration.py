"""Values that environments give: taken out of *Configuration* nodes, and put back as they were."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from n8n_sample import as_json, configuration, field, node, orders, package, workflow

from lampway.domain.package import Scope, Severity
from lampway.errors import InvalidPackageError
from lampway.platforms.n8n.configuration import values_of, with_values, without_values
from lampway.platforms.n8n.package import N8nFormat, build_package, read_package

FORMAT = N8nFormat()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def variables(data):
    return {v.name: (v.type, v.required) for v in FORMAT.inspect(data).inventory.variables}


def of(*nodes, constants=()):
    return build_package([workflow("W", list(nodes))], Scope("s", contains=("W",), constants=constants))


def test_values_are_taken_out_and_put_back_as_they_were():
    whole = orders()
    given_ = values_of([whole])
    assert given_ == {"ERP_URL": "https://erp.dev.test", "RETRIES": 3, "CURRENCY": "EUR"}
    bare = without_values(whole)
    assert values_of([bare]) == {}
    assert values_of([with_values(bare, given_)]) == given_
    assert with_values(bare, given_) == whole


def test_every_environment_has_its_own_value():
    bare = read_package(package()).workflows[0]
    there = with_values(bare, {"ERP_URL": "https://erp.prod.test", "RETRIES": 5})
    entries = next(n for n in there["nodes"] if n["name"] == "Configuration")["parameters"]["assignments"][
        "assignments"
    ]
    assert [(e["name"], e["value"]) for e in entries] == [
        ("ERP_URL", "https://erp.prod.test"),
        ("RETRIES", 5),
        ("CURRENCY", "EUR"),
        ("NOW", "={{ $now }}"),
    ]
    assert without_values(there, ["CURRENCY"]) == bare


def test_what_a_workflow_works_out_by_itself_is_no_variable():
    assert "NOW" not in variables(package())
    assert b"$now" in package()


@given(text=st.text(max_size=40) | st.text("={}\"\\ $'", max_size=12))
def test_no_text_of_an_environment_is_ever_run_as_an_expression(text):
    bare = workflow("W", [configuration(field("A", ""))])
    there = with_values(bare, {"A": text})
    written = there["nodes"][0]["parameters"]["assignments"]["assignments"][0]["value"]
    if text.startswith("="):
        assert written.startswith('={{ "')
        assert written.endswith('" }}')
        assert "{" not in written[3:-2]
        assert "}" not in written[3:-2]
    else:
        assert written == text
    assert values_of([there]) == {"A": text}
    assert without_values(there) == without_values(bare)


@given(value=st.lists(JSON, max_size=3) | st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_lists_and_objects_survive(value):
    for kind in ("array", "object"):
        there = with_values(workflow("W", [configuration(field("A", "", kind))]), {"A": value})
        assert values_of([there]) == {"A": value}


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("string", "x", "x"),
        ("string", 5, "5"),
        ("string", True, "true"),
        ("number", 5, 5),
        ("number", 2.5, 2.5),
        ("boolean", False, False),
        ("object", {"a": [1]}, '{"a":[1]}'),
        ("string", {"a": 1}, '{"a":1}'),
    ],
)
def test_a_value_is_written_as_its_field_takes_it(kind, value, written):
    there = with_values(workflow("W", [configuration(field("A", "", kind))]), {"A": value})
    assert there["nodes"][0]["parameters"]["assignments"]["assignments"][0]["value"] == written


@pytest.mark.parametrize(
    ("version", "parameters"),
    [
        (1, {"values": {"string": [{"name": "A", "value": "x"}], "number": [{"name": "B", "value": 2}]}}),
        (
            3.2,
            {
                "fields": {
                    "values": [
                        {"name": "A", "stringValue": "x"},
                        {"name": "B", "type": "numberValue", "numberValue": "2", "stringValue": "left from before"},
                    ]
                }
            },
        ),
        (3.4, {"assignments": {"assignments": [field("A", "x"), field("B", 2, "number")]}}),
    ],
)
def test_fields_of_every_version_of_the_node_are_read(version, parameters):
    one = node("Configuration", "set", version=version, parameters=parameters)
    assert values_of([workflow("W", [one])]) == {"A": "x", "B": 2}
    data = of(one)
    assert variables(data) == {"A": ("string", True), "B": ("number", True)}
    assert b'"x"' not in data
    assert b"left from before" not in data
    assert values_of([with_values(read_package(data).workflows[0], {"A": "y", "B": 7})]) == {"A": "y", "B": 7}


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("Configuration", True),
        ("configuration", True),
        ("Configuration1", True),
        ("Configuration Mail", True),
        ("Configuration: ERP", True),
        ("Configurations", False),
        ("My Configuration", False),
        ("Edit Fields", False),
    ],
)
def test_the_name_of_the_node_says_whether_it_is_one(name, is_one):
    assert bool(variables(of(configuration(field("A", "x"), name=name)))) is is_one


def test_another_node_of_that_name_is_none():
    assert variables(of(node("Configuration", "code", parameters={"jsCode": "return 1"}))) == {}


def test_one_written_as_one_text_is_reported():
    one = node("Configuration", "set", version=3.4, parameters={"mode": "raw", "jsonOutput": '{"A": 1}'})
    (finding,) = FORMAT.inspect(of(one)).findings
    assert (finding.rule, finding.severity) == ("unreadable-configuration", Severity.GOVERNANCE)
    assert finding.place == "workflow W / set Configuration"


def test_a_secret_in_a_configuration_is_reported_and_its_value_is_not_there():
    data = of(configuration(field("API_KEY", "abc-4711-secret")))
    (finding,) = FORMAT.inspect(data).findings
    assert finding.rule == "secret-as-variable"
    assert b"abc-4711" not in data
    assert "abc-4711" not in repr(FORMAT.inspect(data))


def test_a_field_of_two_types_is_a_text():
    whole = [
        workflow("A", [configuration(field("X", 1, "number"))]),
        workflow("B", [configuration(field("X", "1"))]),
    ]
    data = build_package(whole, Scope("s", contains=("A", "B")))
    assert variables(data) == {"X": ("string", True)}


def test_values_count_in_no_fingerprint_and_constants_do():
    def print_(value, constants=()):
        return FORMAT.inspect(of(configuration(field("A", value)), constants=constants)).inventory.fingerprint

    assert print_("x") == print_("y")
    assert print_("x", ("A",)) != print_("y", ("A",))
    exported = [workflow("W", [configuration(field("A", value))]) for value in "xy"]
    assert len({FORMAT.inspect(as_json(one)).inventory.fingerprint for one in exported}) == 1


def test_nothing_that_is_given_is_changed():
    whole = orders()
    before = copy.deepcopy(whole)
    without_values(whole)
    with_values(whole, {"ERP_URL": "x"})
    assert whole == before


@pytest.mark.parametrize("name", ["licensed", "process"])
def test_variables_that_need_a_licence_or_open_the_instance_are_reported_with_a_way_out(name):
    text = {"licensed": "={{ $vars.REGION }}", "process": "={{ $env['REGION'] }}"}[name]
    inspection = FORMAT.inspect(of(node("A", "x", parameters={"text": text}), node("B", "x", parameters={"t": text})))
    (finding,) = inspection.findings
    assert finding.rule == f"{name}-variable"
    assert "REGION is read in *A*, *B*" in finding.summary
    assert "Configuration" in finding.fix


def test_a_value_in_source_is_refused_with_its_place():
    source = dict(FORMAT.unpack(package()))
    path = next(path for path in source if path.startswith("workflows/orders") and path.endswith("workflow.json"))
    source[path] = source[path].replace(b'"name": "RETRIES",', b'"name": "RETRIES", "value": 4,')
    with pytest.raises(InvalidPackageError, match="Orders / Configuration: field RETRIES carries a value") as caught:
        FORMAT.pack(source)
    assert "constants" in caught.value.hint
