"""The emulator speaks OData as Dataverse does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from emulated_orders import installed, opened, orders, refused, rows
from hypothesis import given
from hypothesis import strategies as st

from lampway.testing.dataverse import DataverseEmulator, RefusedError
from lampway.testing.dataverse.odata import filtered, ordered, read_segment, split_path


@pytest.fixture(scope="module")
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(["dev", "prod"]) as emulator:
        installed(emulator.environment("prod"))
        emulator.environment("dev").maker.load(orders().build())
        yield emulator


@pytest.fixture
def prod(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    with opened(emulator, "prod") as client:
        yield client


@pytest.fixture
def dev(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    with opened(emulator, "dev") as client:
        yield client


ROWS = [
    {"name": "Ann's flow", "number": 5, "on": True, "owner": {"name": "Ann"}, "roles": [{"name": "a"}, {"name": "b"}]},
    {"name": "beta", "number": None, "on": False, "owner": None, "roles": []},
    {"name": "Gamma", "number": -2, "on": False, "owner": {"name": "Cy"}, "roles": [{"name": "b"}]},
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("name eq 'Ann''s flow'", ["Ann's flow"]),
        ("name eq 'BETA'", ["beta"]),
        ("name ne 'beta' and on eq false", ["Gamma"]),
        ("number gt 0 or number lt -1", ["Ann's flow", "Gamma"]),
        ("number eq null", ["beta"]),
        ("not (on eq true)", ["beta", "Gamma"]),
        ("contains(name,'am') or startswith(name,'b')", ["beta", "Gamma"]),
        ("endswith(name,'flow')", ["Ann's flow"]),
        ("owner/name eq 'Cy'", ["Gamma"]),
        ("roles/any(r:r/name eq 'a')", ["Ann's flow"]),
        ("roles/any()", ["Ann's flow", "Gamma"]),
        ("roles/all(r:r/name eq 'b')", ["beta", "Gamma"]),
        ("on eq true or on eq false and number eq null", ["Ann's flow", "beta"]),
    ],
)
def test_filters_mean_what_they_say(text: str, names: list[str]) -> None:
    assert [one["name"] for one in filtered(ROWS, text)] == names


@pytest.mark.parametrize(
    "text", ["name", "name eq", "name like 'x'", "(name eq 'x'", "size(name) eq 1", "nothing eq 1", "#"]
)
def test_filters_that_mean_nothing_are_refused(text: str) -> None:
    with pytest.raises(RefusedError) as found:
        filtered(ROWS, text)
    assert found.value.status == 400


LEAVES = st.sampled_from([("number eq 5", lambda r: r["number"] == 5), ("on eq true", lambda r: r["on"])])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} and {p[1][0]})", lambda r: p[0][1](r) and p[1][1](r))),
        st.tuples(inner, inner).map(lambda p: (f"({p[0][0]} or {p[1][0]})", lambda r: p[0][1](r) or p[1][1](r))),
        inner.map(lambda p: (f"not ({p[0]})", lambda r: not p[1](r))),
    ),
    max_leaves=8,
)


@given(TREES)
def test_filters_of_any_depth_mean_what_they_say(tree: tuple[str, Any]) -> None:
    text, meant = tree
    assert filtered(ROWS, text) == [one for one in ROWS if meant(one)]


@given(st.text(min_size=1, max_size=20))
def test_any_text_can_be_asked_for(text: str) -> None:
    quoted = text.replace("'", "''")
    assert filtered([{"a": text}, {"a": text + "x"}], f"a eq '{quoted}'") == [{"a": text}]


def test_rows_come_in_the_order_that_is_asked_for() -> None:
    assert [one["name"] for one in ordered(ROWS, "on desc,number asc")] == ["Ann's flow", "beta", "Gamma"]


def test_brackets_and_quotes_hold_an_address_together() -> None:
    assert split_path("a(x='1/2')/b") == ["a(x='1/2')", "b"]
    found = read_segment("F(A=@p1,B='x,''y',C=@p2)", {"@p1": "'it''s'", "@p2": "3"})
    assert (found.name, dict(found.arguments)) == ("F", {"A": "it's", "B": "x,'y", "C": 3})


def test_a_function_is_called_with_and_without_brackets_and_with_aliases(prod: httpx.Client) -> None:
    assert prod.get("WhoAmI").json()["UserId"] == prod.get("WhoAmI()").json()["UserId"]
    plain = prod.get("RetrieveDependenciesForUninstall(SolutionUniqueName='Orders')")
    aliased = prod.get("RetrieveDependenciesForUninstall(SolutionUniqueName=@p1)", params={"@p1": "'Orders'"})
    assert plain.json() == aliased.json()


def test_a_plus_is_a_space(prod: httpx.Client) -> None:
    found = prod.get(httpx.URL(f"{prod.base_url}workflows?$filter=name+eq+'Notify'&$select=name"))
    assert [one["name"] for one in found.json()["value"]] == ["Notify"]


def test_columns_keys_and_expansions(prod: httpx.Client) -> None:
    query = (
        "solutions?$select=uniquename,version&$expand=publisherid($select=uniquename)&$filter=uniquename eq 'Orders'"
    )
    found = rows(prod, query)[0]
    assert set(found) == {"@odata.etag", "solutionid", "uniquename", "version", "publisherid"}
    assert set(found["publisherid"]) == {"@odata.etag", "publisherid", "uniquename"}
    expand = "environmentvariabledefinition_environmentvariablevalue($select=value)"
    variable = rows(prod, f"environmentvariabledefinitions?$expand={expand}")[0]
    assert [one["value"] for one in variable["environmentvariabledefinition_environmentvariablevalue"]] == [
        "https://prod.example.org"
    ]
    assert refused(lambda: prod.get("workflows?$select=nothing"))[0] == 400
    assert refused(lambda: prod.get("workflows?$expand=nothing"))[0] == 400


def test_long_answers_come_in_pages_that_lead_to_each_other(prod: httpx.Client) -> None:
    headers = {"Prefer": "odata.maxpagesize=4"}
    seen: list[str] = []
    address = "solutions?$select=uniquename&$orderby=uniquename desc&$count=true"
    while address:
        page = prod.get(address, headers=headers).json()
        assert len(page["value"]) <= 4
        seen += [one["uniquename"] for one in page["value"]]
        address = page.get("@odata.nextLink", "")
    everything = [one["uniquename"] for one in rows(prod, "solutions")]
    assert seen == sorted(everything, key=str.lower, reverse=True)
    assert page["@odata.count"] == len(everything)
    assert len(rows(prod, "solutions?$top=2")) == 2
    assert prod.get("solutions/$count").text == str(len(everything))


def test_rows_are_found_by_id_by_other_columns_and_not_at_all(prod: httpx.Client) -> None:
    id_ = rows(prod, "solutions?$filter=uniquename eq 'Orders'")[0]["solutionid"]
    assert prod.get(f"solutions({id_.upper()})").json()["uniquename"] == "Orders"
    assert prod.get("solutions(uniquename='Orders')").json()["solutionid"] == id_
    assert prod.get(f"solutions({id_})/version").json()["value"] == "1.0.0.0"
    missing = "0a000000-0000-4000-8000-000000000000"
    assert refused(lambda: prod.get(f"solutions({missing})")) == (
        404,
        "0x80040217",
        f"Entity 'solutions' With Id = {missing} Does Not Exist",
    )
    for address in ("nothing", "NoFunction()", "solutions/nothing/else"):
        assert prod.get(address).status_code in {400, 404}
    assert refused(lambda: prod.post("nothing", json={}))[0] == 404
    assert refused(lambda: prod.post("WhoAmI", json={}))[0] == 405


def test_a_row_is_made_with_204_and_its_address(dev: httpx.Client) -> None:
    publisher = rows(dev, "publishers?$filter=customizationprefix eq 'con'")[0]["publisherid"]
    body = {"uniquename": "Made", "version": "1.0", "publisherid@odata.bind": f"/publishers({publisher})"}
    made = dev.post("solutions", json=body)
    assert made.status_code == 204
    assert made.headers["OData-Version"] == "4.0"
    assert dev.get(made.headers["OData-EntityId"]).json()["uniquename"] == "Made"
    shown = dev.post("solutions", json={**body, "uniquename": "Shown"}, headers={"Prefer": "return=representation"})
    assert (shown.status_code, shown.json()["uniquename"]) == (201, "Shown")
    assert refused(lambda: dev.post("solutions", content=b"{"))[0] == 400


def test_a_row_is_changed_only_as_it_was_last_seen(dev: httpx.Client) -> None:
    seen = rows(dev, "solutions?$filter=uniquename eq 'Orders'")[0]
    address, tag = f"solutions({seen['solutionid']})", {"If-Match": seen["@odata.etag"]}
    assert dev.get(address, headers={"If-None-Match": seen["@odata.etag"]}).status_code == 304
    assert dev.patch(address, json={"version": "1.0.0.1"}, headers=tag).status_code == 204
    assert refused(lambda: dev.patch(address, json={"version": "1.0.0.2"}, headers=tag))[0] == 412
    assert dev.patch(address, json={"version": "1.0.0.3"}, headers={"If-Match": "*"}).status_code == 204
    assert dev.get(address).json()["version"] == "1.0.0.3"


def test_a_row_that_is_not_there_is_made_unless_it_must_be_there(dev: httpx.Client) -> None:
    definition = rows(dev, "environmentvariabledefinitions")[0]["environmentvariabledefinitionid"]
    id_ = "0a000000-0000-4000-8000-0000000000aa"
    body = {
        "EnvironmentVariableDefinitionId@odata.bind": f"/environmentvariabledefinitions({definition})",
        "value": "v",
    }
    address = f"environmentvariablevalues({id_})"
    assert refused(lambda: dev.patch(address, json=body, headers={"If-Match": "*"}))[0] == 404
    assert dev.patch(address, json=body).status_code == 204
    assert dev.get(address).json()["value"] == "v"
    assert refused(lambda: dev.post("environmentvariablevalues", json=body))[0] == 412
    many = {"Targets": [{"environmentvariablevalueid": id_, "value": "w"}]}
    assert dev.post("environmentvariablevalues/Microsoft.Dynamics.CRM.UpdateMultiple", json=many).status_code == 204
    assert dev.get(address).json()["value"] == "w"


def test_everything_that_a_client_may_ask_first_is_there(prod: httpx.Client) -> None:
    query = "$select=LogicalName,EntitySetName,PrimaryIdAttribute&$filter=LogicalName eq 'connectionreference'"
    found = rows(prod, f"EntityDefinitions?{query}")[0]
    assert (found["EntitySetName"], found["PrimaryIdAttribute"]) == ("connectionreferences", "connectionreferenceid")
    path = "EntityDefinitions(LogicalName='workflow')/Attributes"
    assert {"name", "statecode"} <= {one["LogicalName"] for one in rows(prod, path)}
    assert rows(prod, f"{path}/Microsoft.Dynamics.CRM.PicklistAttributeMetadata") == []
    assert refused(lambda: prod.get("EntityDefinitions(LogicalName='nothing')"))[0] == 404
    assert {one["name"] for one in prod.get("").json()["value"]} > {"solutions", "workflows", "msdyn_componentlayers"}
    assert prod.get("RetrieveVersion()").json()["Version"].startswith("9.2.")


def test_a_body_of_unknown_length_is_read(dev: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"SettingName":'
        yield b' "x"}'

    assert dev.post("GetOrgDbOrgSetting", content=pieces()).json()["SettingValue"] == ""
