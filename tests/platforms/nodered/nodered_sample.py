"""A small solution, built fresh for every test."""

from __future__ import annotations

import json
from typing import Any

from lampway.domain.package import Scope
from lampway.platforms.nodered.package import build_package

Node = dict[str, Any]

ORDERS = Scope("orders", contains=("Orders",), constants=("CURRENCY",))


def node(id_: str, type_: str, **more: Any) -> Node:
    wires = more.pop("wires", [])
    return {"id": id_, "type": type_, "z": more.pop("z", "t1"), "x": 10, "y": 20, "wires": wires, **more}


def flows() -> list[Node]:
    """Two tabs; *Orders* uses a subflow, a broker with TLS, a group with an environment, and credentials."""
    return [
        {
            "id": "t1",
            "type": "tab",
            "label": "Orders",
            "disabled": False,
            "info": "Takes orders",
            "env": [
                {"name": "ERP_URL", "type": "str", "value": "https://dev.example.test"},
                {"name": "CURRENCY", "type": "str", "value": "EUR"},
                {"name": "RETRIES", "type": "num", "value": "3"},
                {"name": "ERP_TOKEN", "type": "cred", "value": "tab-secret"},
            ],
        },
        {"id": "t2", "type": "tab", "label": "Stock", "env": []},
        {
            "id": "g1",
            "type": "group",
            "z": "t1",
            "name": "Mail",
            "style": {"label": True},
            "nodes": ["n4"],
            "env": [{"name": "MAIL_HOST", "type": "str", "value": "mail.dev.test"}],
            "x": 1,
            "y": 2,
            "w": 3,
            "h": 4,
        },
        {
            "id": "s1",
            "type": "subflow",
            "name": "Retry",
            "in": [{"x": 1, "y": 2, "wires": [{"id": "n9"}]}],
            "out": [],
            "env": [{"name": "WAIT", "type": "num", "value": "5"}],
        },
        node("n9", "function", z="s1", name="Wait", func="return env.get('WAIT') + env.get('REGION')"),
        node("n1", "http in", name="New order", url="/orders", method="post", wires=[["n2", "n3"]]),
        node("n2", "function", name="Price", func="const c = env.get('CURRENCY');\nreturn msg;\n", wires=[["n5"], []]),
        node("n3", "subflow:s1", name="Again", env=[], wires=[["n5"]]),
        node("n4", "e-mail", name="Send", server="${MAIL_HOST}", g="g1"),
        node(
            "n5",
            "http request",
            name="ERP",
            url="${ERP_URL}",
            method="GET",
            authType="bearer",
            headers=[{"keyType": "other", "keyValue": "X-Api-Key", "valueType": "other", "valueValue": "plain-4711"}],
            credentials={"password": "node-secret"},
            wires=[["n6"]],
        ),
        node("n6", "mqtt out", name="Notify", broker="b1", topic="orders"),
        node("n7", "comment", name="About", info="# Orders\n"),
        node("n8", "inject", z="t2", name="Stock timer", repeat="86400", payload="STOCK_ID", payloadType="env"),
        {"id": "b1", "type": "mqtt-broker", "name": "Broker", "broker": "${MQTT_HOST}", "tls": "c1"},
        {"id": "c1", "type": "tls-config", "name": "Trust", "caname": "ca.pem"},
        {"id": "b2", "type": "mqtt-broker", "name": "Other", "broker": "other.test"},
        {
            "id": "gc",
            "type": "global-config",
            "env": [
                {"name": "REGION", "type": "str", "value": "eu"},
                {"name": "MQTT_HOST", "type": "str", "value": "mqtt.dev.test"},
            ],
        },
    ]


STORED = {"n5": ("password",), "b1": ("user", "password"), "t1": ("ERP_TOKEN",)}


def package(nodes: list[Node] | None = None, **more: Any) -> bytes:
    return build_package(flows() if nodes is None else nodes, ORDERS, credential_fields=STORED, **more)


def as_json(nodes: Any) -> bytes:
    return json.dumps(nodes).encode()


def changed(id_: str, **properties: Any) -> list[Node]:
    """Return the sample with some properties of one node replaced."""
    return [{**one, **properties} if one["id"] == id_ else one for one in flows()]
