"""What separates two packages, told as a maker would say it."""

from __future__ import annotations

import copy
import time

import pytest
from n8n_sample import (
    as_json,
    changed,
    configuration,
    field,
    instance,
    located,
    node,
    orders,
    package,
    rewired,
    rush,
    wire,
    workflow,
)

from lampway.domain.package import Reversibility, Scope
from lampway.platforms.n8n.package import N8nFormat, build_package

FORMAT = N8nFormat()


def diff(after, before=None):
    return FORMAT.diff(package(before), package(after))


def said(after, before=None):
    """Return every summary of what changed, by component."""
    return {c.component.name: [e.summary for e in c.edits] for c in diff(after, before).changed}


def alone(old, new, connections=None):
    """Return what is said about one node that changed from `old` to `new`."""

    def built(one):
        whole = workflow("W", [one, node("B", "x"), node("C", "x")], connections)
        return build_package([whole], Scope("s", contains=("W",)))

    (change,) = FORMAT.diff(built(old), built(new)).changed
    return [edit.summary for edit in change.edits]


def parameters(old, new, type_="x"):
    return alone(node("A", type_, parameters=old), node("A", type_, parameters=new))


def cron(expression):
    return {"field": "cronExpression", "expression": expression}


def test_equal_packages_do_not_differ():
    assert diff(instance()).is_empty
    assert diff(instance()).notes == ()
    assert diff(instance()).unchanged == 12


def test_nodes_that_come_and_go_are_told_with_their_names():
    whole = instance()
    whole[2]["nodes"].append(node("Log", "httpRequest"))
    there = diff(whole)
    assert [(c.type, c.name) for c in there.added] == [("http request", "Log")]
    assert there.summaries() == ("http request *Log* added",)
    back = diff(instance(), whole)
    assert [c.name for c in back.removed] == ["Log"]
    assert back.reversibility is Reversibility.REVERSIBLE


def test_a_workflow_that_comes_brings_its_nodes():
    scope = Scope("orders", contains=("Orders",), constants=("CURRENCY",))
    there = FORMAT.diff(build_package(instance(), scope), package())
    assert [(c.type, c.name) for c in there.added] == [
        ("workflow", "Price"),
        ("execute workflow trigger", "Called"),
        ("agent", "Agent"),
        ("lm chat open ai", "Model"),
    ]


def test_moving_is_no_change_and_is_noted():
    there = diff(changed("ERP", position=[1, 2]))
    assert there.is_empty
    assert there.notes == ("1 node was only moved",)


def test_describing_is_no_change_and_is_noted():
    assert diff(changed("ERP", notes="new", notesInFlow=True)).notes == ("1 node was only described differently",)
    assert diff(changed("About", parameters={"content": "other"})).notes == ("1 sticky note was changed",)
    whole = instance()
    whole[2]["tags"] = ["sales", "new"]
    assert diff(whole).notes == ("the tags of workflow Orders are others",)


def test_a_change_of_code_tells_its_lines():
    (said_,) = said(changed("Sum", parameters={"jsCode": "const a = 1;\nconst b = 3;\nreturn items;\n"}))["Sum"]
    assert said_ == "code changed: lines +1 −1; first changed line: `const b = 3;`"


def test_a_renamed_node_is_one_change_and_not_one_of_everything_that_reads_it():
    whole = copy.deepcopy(instance())
    own = whole[2]
    for one in own["nodes"]:
        if one["name"] == "Configuration":
            one["name"] = "Configuration ERP"
        if one["name"] == "ERP":
            one["parameters"]["url"] = one["parameters"]["url"].replace("'Configuration'", "'Configuration ERP'")
    own["connections"]["New order"] = wire("Configuration ERP")
    own["connections"]["Configuration ERP"] = own["connections"].pop("Configuration")
    assert said(whole) == {"Configuration ERP": ["renamed from *Configuration* to *Configuration ERP*"]}


def test_reading_another_node_is_a_change():
    whole = changed("ERP", parameters={**orders()["nodes"][2]["parameters"], "url": "={{ $('Sum').first().json.x }}"})
    (said_,) = said(whole)["ERP"]
    assert said_.startswith("url changed from `{{ $('Configuration').first()")
    assert "$('Sum')" in said_


@pytest.mark.parametrize(
    ("properties", "summary"),
    [
        ({"disabled": True}, "disabled"),
        ({"typeVersion": 4.3}, "version of the node changed from 4.2 to 4.3"),
        ({"credentials": {}}, "no longer uses connection *ERP key* (httpHeaderAuth)"),
        (
            {"credentials": {"httpHeaderAuth": {"id": "2", "name": "Other"}}},
            "uses connection *Other* instead of *ERP key* (httpHeaderAuth)",
        ),
        (
            {"onError": "continueErrorOutput"},
            "after an error now goes on by the error output; before, it stops the workflow",
        ),
        ({"retryOnFail": True}, "now tries again after a failure"),
        ({"executeOnce": True}, "now runs for the first item only"),
        ({"maxTries": 5}, "maxTries set to 5"),
        ({"type": "n8n-nodes-base.ftp"}, "type changed from n8n-nodes-base.httpRequest to n8n-nodes-base.ftp"),
    ],
)
def test_what_a_node_is_and_how_it_runs_is_told_in_words(properties, summary):
    assert said(changed("ERP", **properties))["ERP"] == [summary]


@pytest.mark.parametrize(
    ("old", "new", "summary"),
    [
        ({"method": "GET"}, {"method": "POST"}, "method changed from GET to POST"),
        ({}, {"limit": 5}, "limit set to 5"),
        ({"limit": 5}, {}, "limit removed, was 5"),
        ({"options": {"a": True}}, {"options": {"a": False}}, "options / a turned off"),
        (
            {"url": "https://a.test/x"},
            {"url": "=https://b.test/x"},
            "url changed from `https://a.test/x` to `https://b.test/x`",
        ),
        ({"apiKey": "abc"}, {"apiKey": "def"}, "apiKey changed"),
        ({"to": "={{ $json.a }}"}, {"to": "={{ $json.b }}"}, "to changed from `{{ $json.a }}` to `{{ $json.b }}`"),
        (
            {"headerParameters": {"parameters": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}},
            {"headerParameters": {"parameters": [{"name": "B", "value": "3"}, {"name": "A", "value": "1"}]}},
            "header / B changed from 2 to 3",
        ),
        (
            {"headerParameters": {"parameters": [{"name": "Authorization", "value": "Bearer abc"}]}},
            {"headerParameters": {"parameters": [{"name": "Authorization", "value": "Bearer def"}]}},
            "header / Authorization changed",
        ),
        (
            {"sheet": located("1", "Old")},
            {"sheet": {**located("1", "New"), "cachedResultUrl": "x"}, "more": 1},
            "more set to 1",
        ),
        ({"list": [1, 2]}, {"list": [1, 3]}, "list 2 changed from 2 to 3"),
        ({"text": "x" * 90 + "a"}, {"text": "x" * 90 + "b"}, f"text changed from `…{'x' * 15}a` to `…{'x' * 15}b`"),
    ],
)
def test_a_parameter_is_told_by_its_name_and_values_but_for_secrets(old, new, summary):
    assert parameters(old, new) == [summary]


def test_nobody_has_to_read_thousands_of_differences_of_one_node():
    told = parameters({"values": list(range(5000))}, {"values": list(range(1, 5001))})
    assert len(told) == 101
    assert told[-1] == "4900 more parameters changed"


def test_a_condition_is_told_as_one():
    assert said(changed("Rush?", parameters=rush(500)))["Rush?"] == [
        "conditions / condition 1 changed from `{{ $json.total }} > 100` to `{{ $json.total }} > 500`"
    ]


def test_what_is_compared_with_a_secret_is_not_shown():
    def check(value):
        one = {"leftValue": "={{ $json.headers.token }}", "rightValue": value, "operator": {"operation": "equals"}}
        return {"conditions": {"conditions": [one]}}

    (said_,) = parameters(check("first-4711"), check("second-4711"))
    assert "4711" not in said_


@pytest.mark.parametrize(
    ("old", "new", "summary"),
    [
        ({}, {"triggerAtHour": 6}, "runs every day at 06:00 instead of every day at 00:00"),
        ({"field": "minutes"}, {"field": "hours", "hoursInterval": 2}, "runs every 2 hours instead of every 5 minutes"),
        ({"field": "weeks", "triggerAtDay": [1, 5], "triggerAtHour": 7, "triggerAtMinute": 30}, cron("0 8 * * 1-5"),
         "runs at 08:00 on Monday to Friday instead of every week on Monday, Friday at 07:30"),
        (cron("*/7 * * * *"), {"field": "hours", "triggerAtMinute": 5},
         "runs every hour at minute 5 instead of on the schedule `*/7 * * * *`"),
        (cron("30 6 * * *"), {"field": "months"},
         "runs every month on day 1 at 00:00 instead of every day at 06:30"),
    ],
)  # fmt: skip
def test_a_schedule_is_told_in_words(old, new, summary):
    assert parameters({"rule": {"interval": [old]}}, {"rule": {"interval": [new]}}, "scheduleTrigger") == [summary]


def test_a_time_that_comes_and_one_that_goes_are_told_apart():
    both = {"rule": {"interval": [{"field": "months"}, {"field": "hours"}]}}
    once = {"rule": {"interval": [{"field": "months"}]}}
    assert parameters(once, both, "scheduleTrigger") == ["now also runs every hour"]
    assert parameters(both, once, "scheduleTrigger") == ["no longer runs every hour"]


@pytest.mark.parametrize(
    ("type_", "old", "new", "summary"),
    [
        ("cron", {"triggerTimes": {"item": [{"hour": 9}]}}, {"triggerTimes": {"item": [{"mode": "everyMinute"}]}},
         "runs every minute instead of every day at 09:00"),
        ("cron", {"triggerTimes": {"item": [{"mode": "everyWeek", "weekday": "1", "hour": 9}]}},
         {"triggerTimes": {"item": [{"mode": "everyX", "value": 3, "unit": "minutes"}]}},
         "runs every 3 minutes instead of every week on Monday at 09:00"),
        ("interval", {"interval": 5}, {"interval": 5, "unit": "minutes"},
         "runs every 5 minutes instead of every 5 seconds"),
        ("gmailTrigger", {"pollTimes": {"item": [{"mode": "everyMinute"}]}},
         {"pollTimes": {"item": [{"mode": "everyMonth", "dayOfMonth": 3, "hour": 1, "minute": 2}]}},
         "runs every month on day 3 at 01:02 instead of every minute"),
    ],
)  # fmt: skip
def test_older_triggers_and_those_that_ask_now_and_then_are_told_alike(type_, old, new, summary):
    assert parameters(old, new, type_) == [summary]


def test_wires_are_told_by_both_ends_and_the_way_out():
    there = said(rewired(ERP=wire("Sum", "Answer"), **{"Rush?": wire("Answer")}))
    assert there["ERP"] == ["wire to *Answer* added"]
    assert there["Rush?"] == [
        "wire from output true to *Answer* added",
        "wire from output true to *Ask price* removed",
        "wire from output false to *Answer* removed",
    ]


def test_wires_of_other_kinds_and_to_other_inputs_are_told():
    def ends(index, kind):
        return {"A": {kind: [[{"node": "B", "type": kind, "index": index}]]}}

    def built(connections):
        whole = workflow("W", [node("A", "x"), node("B", "x")], connections)
        return build_package([whole], Scope("s", contains=("W",)))

    (change,) = FORMAT.diff(built(ends(0, "ai_tool")), built(ends(1, "main"))).changed
    assert [e.summary for e in change.edits] == ["wire to *B*, input 2 added", "tool wire to *B* removed"]


def test_branches_that_run_in_another_order_are_a_change():
    """n8n runs branches from the top of the canvas to its bottom, so that here moving does something."""

    def built(first, second, order="v1"):
        nodes = [node("A", "x"), node("B", "x", position=[500, first]), node("C", "x", position=[500, second])]
        whole = workflow("W", nodes, {"A": wire("B", "C")}, settings={"executionOrder": order})
        return build_package([whole], Scope("s", contains=("W",)))

    (change,) = FORMAT.diff(built(100, 200), built(300, 200)).changed
    assert change.component.name == "A"
    assert [e.summary for e in change.edits] == ["the branches behind it run in another order: *C*, *B*"]
    assert FORMAT.diff(built(100, 200), built(150, 900)).is_empty
    assert FORMAT.diff(built(100, 200, "v0"), built(300, 200, "v0")).is_empty


def test_a_workflow_itself_is_told_with_its_settings():
    whole = instance()
    whole[2] |= {"name": "All orders", "active": False}
    whole[2]["settings"] = {"executionOrder": "v1", "timezone": "Europe/Vienna", "errorWorkflow": "PriceId16Chars"}
    scope = Scope("orders", contains=("OrdersId16Chars", "Price"), constants=("CURRENCY",))
    (change,) = FORMAT.diff(package(), build_package(whole, scope)).changed
    assert [e.summary for e in change.edits] == [
        "renamed from *Orders* to *All orders*",
        "no longer published",
        "workflow run on errors set to *Price*",
        "time zone set to `Europe/Vienna`",
    ]


def test_usual_settings_are_as_good_as_none():
    whole = instance()
    whole[2]["settings"] |= {"callerPolicy": "workflowsFromSameOwner", "availableInMCP": False, "timezone": "DEFAULT"}
    assert diff(whole).is_empty


def test_another_workflow_that_is_called_is_told_by_name():
    third = workflow("Fast price", [node("Called", "executeWorkflowTrigger")])
    before = [*instance(), third]
    after = [*changed("Ask price", parameters={"workflowId": located("FastpriceId16Chars", "Fast price")}), third]
    scope = Scope("orders", contains=("Orders", "Price", "Fast price"), constants=("CURRENCY",))
    (change,) = FORMAT.diff(build_package(before, scope), build_package(after, scope)).changed
    assert [e.summary for e in change.edits] == ["workflowId changed from *Price* to *Fast price*"]


def test_what_the_environment_must_give_in_addition_is_noted():
    whole = changed("Configuration", **configuration(field("ERP_URL", "x"), field("TOKEN_URL", "y")))
    whole[2]["nodes"].append(node("Mail", "emailSend", credentials={"smtp": {"id": "7", "name": "Mail"}}))
    notes = diff(whole).notes
    assert "variable TOKEN_URL is now required" in notes
    assert "variable RETRIES is no longer required" in notes
    assert "connection Mail (smtp) is now needed" in notes
    assert "node type n8n-nodes-base.emailSend is now needed" in notes
    assert "connection Mail (smtp) is no longer needed" in diff(instance(), whole).notes
    assert (
        "node type n8n-nodes-base.httpRequest is now needed in version 4.3"
        in diff(changed("ERP", typeVersion=4.3)).notes
    )


def test_a_value_of_an_environment_is_no_difference():
    whole = changed("Configuration", **configuration(field("ERP_URL", "https://other.test"), *_others()))
    assert diff(whole).is_empty


def _others():
    return (field("RETRIES", 9, "number"), field("CURRENCY", "EUR"), field("NOW", "={{ $now }}"))


def test_a_constant_is_a_difference():
    whole = changed(
        "Configuration", **configuration(field("ERP_URL", "x"), *_others()[:1], field("CURRENCY", "USD"), _others()[2])
    )
    assert said(whole)["Configuration"] == ["field / CURRENCY changed from EUR to USD"]


def test_two_exports_from_two_instances_are_compared_by_name():
    other = {**orders(), "id": "anotherInstance", "versionId": "x"}
    assert FORMAT.diff(as_json(orders()), as_json(other)).is_empty
    other["nodes"] = [{**n, "disabled": True} if n["name"] == "Sum" else n for n in other["nodes"]]
    (change,) = FORMAT.diff(as_json(orders()), as_json(other)).changed
    assert [e.summary for e in change.edits] == ["disabled"]


def test_no_secret_and_no_value_shows_in_a_difference():
    header = {"parameters": [{"name": "X-Api-Key", "value": "other-4711-Qx7"}]}
    own = orders()["nodes"][2]["parameters"]
    whole = changed("ERP", parameters={**own, "headerParameters": header, "url": "https://u:geheim77@erp.test"})
    told = repr(diff(whole))
    for secret in ("4711", "geheim77", "erp.dev.test"):
        assert secret not in told
    assert "header / X-Api-Key changed" in told


def test_a_thousand_changed_nodes_are_compared_quickly():
    def built(value):
        nodes = [
            node(f"N{i}", "set", parameters={"a": value, "b": f"={{{{ $('N{i - 1}').item }}}}"}) for i in range(1000)
        ]
        connections = {f"N{i}": wire(f"N{i + 1}") for i in range(999)}
        return build_package([workflow("W", nodes, connections)], Scope("s", contains=("W",)))

    old, new = built(1), built(2)
    start = time.perf_counter()
    assert len(FORMAT.diff(old, new).changed) == 1000
    assert time.perf_counter() - start < 20
