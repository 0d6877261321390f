"""A small solution of two workflows, built fresh for every test, as an instance would give it."""

from __future__ import annotations

import copy
import json
from typing import Any

from lampway.domain.package import Scope
from lampway.platforms.n8n.package import build_package

Json = dict[str, Any]

ORDERS = Scope("orders", contains=("Orders", "Price"), constants=("CURRENCY",))


def node(name: str, type_: str, id_: str = "", version: float = 1, **more: Any) -> Json:
    parameters = more.pop("parameters", {})
    place = more.pop("position", [100, 100])
    return {
        "parameters": parameters,
        "id": id_ or f"id-{name.lower().replace(' ', '-')}",
        "name": name,
        "type": type_ if "." in type_ else f"n8n-nodes-base.{type_}",
        "typeVersion": version,
        "position": place,
        **more,
    }


def field(name: str, value: Any, kind: str = "string") -> Json:
    return {"id": f"f-{name}", "name": name, "type": kind, "value": value}


def configuration(*fields: Json, name: str = "Configuration") -> Json:
    parameters = {"assignments": {"assignments": list(fields)}, "includeOtherFields": True, "options": {}}
    return node(name, "set", version=3.4, parameters=parameters)


def wire(*targets: str, kind: str = "main") -> Json:
    """Return wires from one output to several nodes."""
    return {kind: [[{"node": target, "type": kind, "index": 0} for target in targets]]}


def workflow(name: str, nodes: list[Json], connections: Json | None = None, id_: str = "", **more: Any) -> Json:
    """Return a workflow with everything around it that an instance adds."""
    return {
        "updatedAt": "2026-11-01T10:00:00.000Z",
        "createdAt": "2026-10-01T10:00:00.000Z",
        "id": id_ or f"{name.replace(' ', '')}Id16Chars",
        "name": name,
        "active": False,
        "isArchived": False,
        "nodes": nodes,
        "connections": connections or {},
        "settings": {"executionOrder": "v1"},
        "staticData": {"node:Schedule": {"recurrenceRules": []}},
        "meta": {"templateCredsSetupCompleted": True},
        "pinData": {"ERP": [{"json": {"pinned": "data of dev"}}]},
        "versionId": "11111111-2222-3333-4444-555555555555",
        "activeVersionId": None,
        "versionCounter": 7,
        "triggerCount": 1,
        "shared": [{"role": "workflow:owner", "projectId": "p1"}],
        "tags": [],
        **more,
    }


def orders() -> Json:
    """Takes an order, reads its configuration, asks the ERP and another workflow, and answers."""
    header = {"parameters": [{"name": "X-Api-Key", "value": "plain-4711-Qx7"}]}
    nodes = [
        node("New order", "webhook", version=2, parameters={"path": "orders", "httpMethod": "POST"}, webhookId="w-1"),
        configuration(
            field("ERP_URL", "https://erp.dev.test"),
            field("RETRIES", 3, "number"),
            field("CURRENCY", "EUR"),
            field("NOW", "={{ $now }}"),
        ),
        node(
            "ERP",
            "httpRequest",
            version=4.2,
            parameters={
                "url": "={{ $('Configuration').first().json.ERP_URL }}/orders",
                "authentication": "genericCredentialType",
                "genericAuthType": "httpHeaderAuth",
                "sendHeaders": True,
                "headerParameters": header,
                "options": {},
            },
            credentials={"httpHeaderAuth": {"id": "credDevId", "name": "ERP key"}},
            position=[500, 100],
        ),
        node("Sum", "code", version=2, parameters={"jsCode": "const a = 1;\nconst b = 2;\nreturn items;\n"}),
        node("Rush?", "if", version=2.2, parameters=rush(100)),
        node(
            "Ask price", "executeWorkflow", version=1.2, parameters={"workflowId": located("PriceId16Chars", "Price")}
        ),
        node("Answer", "respondToWebhook", version=1.1, parameters={"respondWith": "json"}),
        node("About", "stickyNote", parameters={"content": "# Orders\n\nTakes *orders*", "height": 200}),
    ]
    connections = {
        "New order": wire("Configuration"),
        "Configuration": wire("ERP"),
        "ERP": wire("Sum"),
        "Sum": wire("Rush?"),
        "Rush?": {"main": [wire("Ask price")["main"][0], wire("Answer")["main"][0]]},
        "Ask price": wire("Answer"),
    }
    tags = [{"id": "t1", "name": "sales"}, {"id": "t2", "name": "lampway:orders"}]
    return workflow("Orders", nodes, connections, active=True, tags=tags)


def rush(limit: int) -> Json:
    condition = {
        "id": "c1",
        "leftValue": "={{ $json.total }}",
        "rightValue": limit,
        "operator": {"type": "number", "operation": "gt"},
    }
    return {"conditions": {"options": {"version": 2}, "conditions": [condition], "combinator": "and"}, "options": {}}


def located(id_: str, name: str) -> Json:
    return {"__rl": True, "value": id_, "mode": "list", "cachedResultName": name, "cachedResultUrl": f"/workflow/{id_}"}


def price() -> Json:
    """Answers other workflows with what a language model says."""
    model = "@n8n/n8n-nodes-langchain.lmChatOpenAi"
    agent = "@n8n/n8n-nodes-langchain.agent"
    nodes = [
        node("Called", "executeWorkflowTrigger", version=1.1),
        node("Agent", agent, version=1.7, parameters={"text": "={{ $json.question }}", "options": {}}),
        node("Model", model, version=1.2, credentials={"openAiApi": {"id": "aiDevId", "name": "OpenAI"}}),
    ]
    connections = {"Called": wire("Agent"), "Model": wire("Agent", kind="ai_languageModel")}
    return workflow("Price", nodes, connections)


def instance() -> list[Json]:
    """Return everything on an instance: the two workflows of the solution, and one of somebody else."""
    stock = node("Each morning", "scheduleTrigger", parameters={"rule": {"interval": [{"triggerAtHour": 6}]}})
    return [price(), workflow("Stock", [stock]), orders()]


def package(workflows: list[Json] | None = None, **more: Any) -> bytes:
    return build_package(instance() if workflows is None else workflows, ORDERS, **more)


def changed(name: str, /, **properties: Any) -> list[Json]:
    """Return the instance with some properties of one node of *Orders* replaced."""
    whole = copy.deepcopy(instance())
    for one in whole[2]["nodes"]:
        if one["name"] == name:
            one.update(properties)
    return whole


def rewired(**connections: Any) -> list[Json]:
    """Return the instance with the wires of some nodes of *Orders* replaced; `_` stands for blanks in names."""
    whole = copy.deepcopy(instance())
    whole[2]["connections"] |= {name.replace("_", " "): value for name, value in connections.items()}
    return whole


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()
