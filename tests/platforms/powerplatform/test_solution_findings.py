"""What must not leave the source environment is found, with its exact place; what the platform writes itself is not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lampway.app import open_scanner
from lampway.domain.package import Role, Severity
from lampway.platforms.powerplatform.findings import RULES
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.solutions import (
    Solution,
    after,
    call,
    compose,
    control,
    flow,
    http_trigger,
    id_of,
    msapp,
    recurrence,
    request,
)

FORMAT = SolutionFormat()
KEY = "q8Zf3vT1xLr7Wm2Kd9Yb5Hc0Nj4Sg6Pa"
VAULT = "/subscriptions/1/resourceGroups/r/providers/Microsoft.KeyVault/vaults/v/secrets/s"


def faults(solution):
    inspection = FORMAT.inspect(solution.build())
    names = [v.name for v in inspection.inventory.variables]
    return inspection.faults(open_scanner().scan(inspection.literals, names))


def told(solution):
    return {(f.rule, str(f.severity), f.place) for f in faults(solution)}


def notify(actions=None, **more):
    return Solution().flow("Notify", flow(actions or {}, **more))


def test_the_value_of_the_source_environment_kept_as_default_is_found_without_any_value_file():
    solution = notify(variables={"con_Site": "https://contoso.sharepoint.com/sites/dev"}).variable("con_Site")
    place = "flow Notify / parameter con_Site (con_Site) / default value"
    assert told(solution) == {("dev-value-as-default", "endpoint", place)}


def test_a_default_that_is_a_secret_by_name_or_by_shape_is_a_secret():
    by_name = notify(variables={"con_ClientSecret": "hunter2hunter2"})
    by_shape = notify(variables={"con_Thing": "https://x.blob.core.windows.net/?sv=1&sig=" + KEY + KEY})
    for solution in (by_name, by_shape):
        (found,) = [f for f in faults(solution) if f.rule == "dev-value-as-default"]
        assert found.severity is Severity.SECRET
        assert KEY not in str(found)
        assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    "name", ["con_TokenUrl", "con_TokenURLFO", "con_SecretName", "con_TokenClientID", "con_MaxTokens"]
)
def test_what_only_belongs_to_a_secret_is_none(name):
    severities = {f.severity for f in faults(notify(variables={name: "https://login.contoso.com/token"}))}
    assert severities == {Severity.ENDPOINT}


@pytest.mark.parametrize("value", ["", {}, [], None, "  "])
def test_a_default_that_was_emptied_is_no_finding(value):
    assert told(notify(variables={"con_Site": value})) == set()


def test_a_default_that_only_repeats_the_definition_is_no_leak():
    solution = notify(variables={"con_Library": "Documents"}).variable("con_Library", default="Documents")
    assert told(solution) == set()


def test_a_default_of_a_variable_that_points_at_one_environment_is_told_once_per_place():
    url = "https://org1.crm.dynamics.com"
    solution = notify(variables={"con_Org": url}).variable("con_Org", default=url)
    assert told(solution) == {
        ("fixed-default", "endpoint", "environment variable con_Org / default value"),
        ("fixed-default", "endpoint", "flow Notify / parameter con_Org (con_Org) / default value"),
    }


def test_a_current_value_left_in_the_package_is_found():
    solution = Solution().variable("con_Site", value="https://dev").variable("con_ApiKey", value=KEY)
    found = {f.place: (f.rule, f.severity) for f in faults(solution)}
    assert found["environment variable value con_Site"] == ("current-value-in-package", Severity.ENDPOINT)
    assert found["environment variable value con_ApiKey"] == ("current-value-in-package", Severity.SECRET)
    assert KEY not in str(faults(solution))


def test_a_plain_value_of_a_secret_variable_is_a_secret_whatever_its_name():
    (plain,) = faults(Solution().variable("con_Thing", "secret", value=KEY))
    (kept,) = faults(Solution().variable("con_Thing", "secret", value=VAULT))
    assert (plain.severity, kept.severity) == (Severity.SECRET, Severity.ENDPOINT)


def test_names_that_would_do_something_to_a_terminal_are_shown_without():
    odd = notify({"A\x1b[2J": compose(f"Bearer {KEY}")})
    assert [f.place for f in faults(odd)] == ["flow Notify / A\ufffd[2J / inputs"]
    (line,) = FORMAT.diff(notify().build(), odd.build()).summaries()
    assert line.isprintable()


def test_a_secret_variable_may_only_hold_a_reference_to_a_vault():
    assert told(Solution().variable("con_Secret", "secret", default=VAULT)) == set()
    (finding,) = faults(Solution().variable("con_Secret", "secret", default=KEY))
    assert (finding.rule, finding.severity) == ("plain-secret-variable", Severity.SECRET)


def test_a_text_variable_named_like_a_secret_is_told():
    assert told(Solution().variable("con_ClientSecret")) == {
        ("secret-in-text-variable", "governance", "environment variable con_ClientSecret")
    }


def test_http_actions_are_looked_into():
    solution = notify(
        {
            "Ask": request(
                f"https://erp.contoso.com/api?code={KEY}{KEY}",
                headers={"Ocp-Apim-Subscription-Key": KEY},
                authentication={"type": "Basic", "username": "u", "password": "p4ss-w0rd"},
            )
        }
    )
    found = told(solution)
    assert ("fixed-endpoint", "endpoint", "flow Notify / Ask / inputs.uri") in found
    assert ("secret-in-slot", "secret", "flow Notify / Ask / inputs.authentication.password") in found
    assert ("named-secret", "secret", "flow Notify / Ask / inputs.headers.Ocp-Apim-Subscription-Key") in found


def test_connector_parameters_are_told_by_what_they_are_for():
    sites = {"dataset": "https://contoso.sharepoint.com/sites/dev", "table": id_of("list")}
    solution = notify({"Get_items": call("shared_sharepointonline", "GetItems", **sites)})
    literals = {one.place: one.role for one in FORMAT.inspect(solution.build()).literals}
    assert literals["flow Notify / Get items / inputs.parameters.dataset"] is Role.ENDPOINT
    assert literals["flow Notify / Get items / inputs.parameters.table"] is Role.RESOURCE_ID
    assert told(solution) == {("fixed-endpoint", "endpoint", "flow Notify / Get items / inputs.parameters.dataset")}
    (finding,) = faults(solution)
    assert "environment variable in the solution" in finding.fix


def test_actions_inside_of_others_are_found_by_their_own_name():
    inner = {"type": "If", "actions": {"Deep": compose(f"Bearer {KEY}")}, "else": {"actions": {"Else": compose("x")}}}
    solution = notify({"Check": {"type": "Scope", "actions": {"If": inner}}})
    assert [f.place for f in faults(solution)] == ["flow Notify / Deep / inputs"]


def test_what_the_platform_writes_by_itself_is_not_reported():
    raw = {
        "type": "Raw",
        "value": "@json(decodeBase64(triggerOutputs().headers['X-MS-APIM-Tokens']))['$ConnectionKey']",
    }
    action = dict(call("shared_sharepointonline", "GetItems"))
    action["inputs"] = {**action["inputs"], "authentication": raw}
    solution = notify(
        {"Get": action, "Graph": request("https://graph.microsoft.com/v1.0/me")}, references={"shared_x": "con_x"}
    )
    solution.file("Workflows/Old.xaml", b'<Activity x="mscorlib, PublicKeyToken=31bf3856ad364e35" />')
    step = "<SdkMessageProcessingStep Name='S'><PluginTypeName>A, PublicKeyToken=31bf3856ad364e35</PluginTypeName>"
    solution.sections["SdkMessageProcessingSteps"] = [f"{step}</SdkMessageProcessingStep>"]
    solution.connector("con_api", {"host": '@environmentVariables("con_Host")', "paths": {}})
    assert told(solution) == set()


def test_platform_links_to_pictures_in_apps_are_not_reported():
    app = msapp([control("Home", "screen", Fill="RGBA(0,0,0,1)")])
    assert told(Solution().canvas("Shop", app)) == set()


def test_formulas_of_canvas_apps_are_scanned():
    button = control("Go", "button", OnSelect=f'Launch("https://x.logic.azure.com/a?sig={KEY}{KEY}")')
    found = told(Solution().canvas("Shop", msapp([control("Home", "screen", [button])])))
    place = "canvas app Shop / screen Home / Go / OnSelect"
    assert ("signed-url", "secret", place) in found


def test_data_sources_of_canvas_apps_are_scanned_and_the_current_environment_is_none():
    sources = [
        {
            "Name": "Orders",
            "DatasetName": "https://contoso.sharepoint.com/sites/dev",
            "Type": "ConnectedDataSourceInfo",
        },
        {"Name": "Accounts", "DatasetName": "default.cds", "Type": "NativeCDSDataSourceInfo"},
    ]
    connections = json.dumps({"1": {"displayName": "SharePoint", "connectionInstanceId": "9f" * 16, "dataSets": {}}})
    solution = Solution().canvas("Shop", msapp([], sources=sources, connections=connections))
    assert told(solution) == {("fixed-endpoint", "endpoint", "canvas app Shop / data source Orders / DatasetName")}
    assert any(one.key == "connectionInstanceId" for one in FORMAT.inspect(solution.build()).literals)


def test_a_data_source_behind_an_environment_variable_is_not_fixed():
    site = "https://contoso.sharepoint.com/sites/dev"
    table = {"tableName": "t", "tableNameOverride": {"name": id_of("t"), "environmentVariableName": "con_List"}}
    held = {
        "datasetOverride": {"name": site, "environmentVariableName": "con_Site"},
        "dataSources": {"Orders": table},
    }
    connections = json.dumps(
        {"1": {"connectionRef": {"displayName": "SharePoint"}, "datasets": {f"{site}_con_Site": held}}}
    )
    sources = [{"Name": "Orders", "DatasetName": site, "Type": "ConnectedDataSourceInfo"}]
    solution = Solution().canvas("Shop", msapp([], sources=sources, connections=connections)).variable("con_Site")
    assert told(solution) == {("dev-value-in-app", "governance", "canvas app Shop / environment variables")}
    (site_variable,) = FORMAT.inspect(solution.build()).inventory.variables
    assert site_variable.used_by == ("canvas app Shop",)


def test_built_code_with_libraries_in_it_is_compared_only_and_that_is_noted():
    solution = Solution()
    solution.sections["CustomControls"] = ["<CustomControl><Name>con_Grid</Name></CustomControl>"]
    solution.file("Controls/con_Grid/bundle.js", f'const apiKey = "{KEY}";'.encode() * 20_000)
    solution.file("Controls/con_Grid/small.js", f'const apiKey = "{KEY}";'.encode())
    assert {f.place for f in faults(solution)} == {"code component con_Grid / small.js"}
    (note,) = FORMAT.inspect(solution.build()).inventory.notes
    assert "con_grid/bundle.js is compared and not scanned" in note.lower()


def test_connections_that_are_no_references_are_found():
    hard_wired = flow({})
    hard_wired["properties"]["connectionReferences"] = {
        "shared_a": {"api": {"name": "shared_a"}, "connection": {"name": "9f1c"}},
        "shared_b": {"api": {"name": "shared_b"}, "connection": {}},
        "shared_c": {"api": {"name": "shared_c"}, "connection": {"connectionReferenceLogicalName": "con_c"}},
    }
    assert told(Solution().flow("Notify", hard_wired)) == {
        ("hard-wired-connection", "endpoint", "flow Notify / connection shared_a"),
        ("no-connection-reference", "governance", "flow Notify / connection shared_b"),
    }


@pytest.mark.parametrize(
    ("trigger", "is_open"),
    [
        (http_trigger(), True),
        (http_trigger(triggerAuthenticationType="All"), True),
        (http_trigger(triggerAuthenticationType="Tenant"), False),
        ({"type": "Request", "kind": "Button", "inputs": {}}, False),
        (recurrence("Day"), False),
    ],
)
def test_triggers_that_anybody_may_call_are_found(trigger, is_open):
    found = told(notify(trigger=trigger))
    assert found == ({("anonymous-trigger", "governance", "flow Notify / trigger start")} if is_open else set())


def test_made_up_results_left_on_are_found():
    on = {**compose("x"), "runtimeConfiguration": {"staticResult": {"staticResultOptions": "Enabled", "name": "r"}}}
    off = {**compose("x"), "runtimeConfiguration": {"staticResult": {"staticResultOptions": "Disabled", "name": "r"}}}
    assert told(notify({"Mocked": on, "Real": after(off, "Mocked")})) == {
        ("static-result", "governance", "flow Notify / Mocked")
    }


def test_scripts_connectors_agents_and_settings_are_scanned():
    solution = (
        Solution()
        .web_resource("con_/js/a.js", f'const apiKey = "{KEY}"')
        .connector("con_api", {"host": "api.dev.contoso.com", "paths": {}})
        .file("botcomponents/con_t/data", b"url: https://bot.dev.contoso.com/x")
        .file(
            "powerpagecomponents/1/powerpagecomponent.xml",
            f"<c><name>Authentication/OpenIdConnect/ClientSecret</name><value>{KEY}</value></c>".encode(),
        )
    )
    rules = {(f.rule, f.place.split(" / ")[0]) for f in faults(solution)}
    assert ("secret-in-code", "web resource con_/js/a.js") in rules
    assert ("fixed-endpoint", "custom connector con_api") in rules
    assert ("endpoint-in-code", "agent component con_t") in rules
    assert ("named-secret", "powerpagecomponent 1") in rules


def test_what_belongs_to_no_solution_and_the_tenant_are_told():
    solution = Solution(tenant=id_of("tenant")).needs("con_other").needs("con_base", "Base (1.2)")
    assert told(solution) == {
        ("unmanaged-dependency", "governance", "table con_other"),
        ("tenant-in-manifest", "governance", "solution.xml / TenantId"),
    }
    assert id_of("tenant") not in str(faults(solution))


def test_two_components_of_one_name_are_told_apart_by_their_ids():
    solution = Solution().flow("Same", flow({"A": compose(f"Bearer {KEY}")}))
    other = Solution().flow("Other", flow({"A": compose(f"Bearer {KEY}")}))
    solution.sections["Workflows"] += [one.replace("Other", "Same", 1) for one in other.sections["Workflows"]]
    solution.members |= other.members
    places = {f.place for f in faults(solution)}
    assert len(places) == 2
    assert all(id_[:8] in "".join(places) for id_ in (id_of("flow Same"), id_of("flow Other")))


def test_every_rule_is_listed_once_and_documented():
    page = Path(__file__).parents[3] / "docs" / "platforms" / "power-platform.md"
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert not [rule.id for rule in RULES if f"| `{rule.id}` |" not in page.read_text(encoding="utf-8")]
