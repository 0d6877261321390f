"""The flows of the demo: a small order intake, as a maker would draw it in the editor."""

from __future__ import annotations

import hashlib
from typing import Any

Node = dict[str, Any]

_CHECK = """\
const order = msg.payload || {}
if (!order.item || !(order.quantity > 0)) {
    msg.statusCode = 400
    msg.payload = { error: 'item and a positive quantity, please' }
    return [null, msg]
}
msg.order = order
return [msg, null]
"""

_TOTAL = """\
const each = Number(env.get('PRICE'))
msg.order.total = Math.round(msg.order.quantity * each * 100) / 100
return msg
"""

_PREPARE = """\
msg.payload = msg.order
msg.headers = { 'content-type': 'application/json', 'x-api-key': env.get('ERP_KEY') }
return msg
"""

_ANSWER = """\
const booked = msg.statusCode === 200 && msg.payload && msg.payload.accepted
const total = msg.order.total
msg.statusCode = booked ? 201 : 502
msg.payload = booked ? { accepted: true, number: msg.payload.number, total } : { accepted: false }
msg.headers = {}
return msg
"""

_ERP = """\
const known = env.get('EXPECTED_KEY')
const open = msg.req.params.line !== 'closed' && msg.req.headers['x-api-key'] === known
msg.statusCode = open ? 200 : 403
msg.payload = open ? { accepted: true, number: msg.req.params.line.toUpperCase() + '-1' } : { accepted: false }
return msg
"""


def node_id(name: str) -> str:
    """Return an id such as Node-RED makes, the same for the same name."""
    return hashlib.sha256(f"lampway demo {name}".encode()).hexdigest()[:16]


def erp(key: str) -> list[Node]:
    """Return a stand-in for the ERP: a tab that belongs to no solution and accepts orders that carry `key`."""
    home = node_id("erp")
    return [
        {
            "id": home,
            "type": "tab",
            "label": "ERP stand-in",
            "disabled": False,
            "info": "",
            "env": [{"name": "EXPECTED_KEY", "value": key, "type": "str"}],
        },
        _on(
            home, "erp in", "http in", url="/erp/:line/orders", method="post", upload=False, wires=[[node_id("erp fn")]]
        ),
        _on(home, "erp fn", "function", func=_ERP, outputs=1, libs=[], wires=[[node_id("erp out")]]),
        _on(home, "erp out", "http response", statusCode="", headers={}, wires=[]),
    ]


def surroundings(url: str) -> Node:
    """Return what dev gives to its flows: addresses of the stand-in next door."""
    env = [
        {"name": "ERP_URL", "value": f"{url}/erp/main/orders", "type": "str"},
        {"name": "RUSH_URL", "value": f"{url}/erp/rush/orders", "type": "str"},
    ]
    return {"id": node_id("surroundings"), "type": "global-config", "env": env, "modules": {}, "name": ""}


def orders(*, hardcoded: str = "", rush: bool = False) -> list[Node]:
    """Return the order intake.

    `hardcoded` puts a key into the code, as makers in a hurry do; `rush` adds the line for rush orders.
    """
    home, subflow = node_id("orders"), node_id("totals")
    prepare = _PREPARE.replace("env.get('ERP_KEY')", f"'{hardcoded}'") if hardcoded else _PREPARE
    after_check = node_id("rush?") if rush else node_id("total")
    nodes = [
        {
            "id": home,
            "type": "tab",
            "label": "Orders",
            "disabled": False,
            "info": "Takes orders over HTTP and books them in the ERP.",
            "env": [] if hardcoded else [{"name": "ERP_KEY", "value": "", "type": "cred"}],
        },
        *_totals(subflow),
        _on(home, "Order in", "http in", url="/orders", method="post", upload=False, wires=[[node_id("Check order")]]),
        _on(
            home,
            "Check order",
            "function",
            func=_CHECK,
            outputs=2,
            libs=[],
            wires=[[after_check], [node_id("Reply")]],
        ),
        _on(home, "total", f"subflow:{subflow}", label="Add total", wires=[[node_id("Prepare")]]),
        _on(home, "Prepare", "function", func=prepare, outputs=1, libs=[], wires=[[node_id("Book in ERP")]]),
        _request(home, "Book in ERP", "${ERP_URL}"),
        _on(home, "Answer", "function", func=_ANSWER, outputs=1, libs=[], wires=[[node_id("Reply")]]),
        _on(home, "Reply", "http response", statusCode="", headers={}, wires=[]),
    ]
    return [*nodes, *_rush(home)] if rush else nodes


def _totals(subflow: str) -> list[Node]:
    return [
        {
            "id": subflow,
            "type": "subflow",
            "name": "Add total",
            "info": "",
            "in": [{"x": 60, "y": 80, "wires": [{"id": node_id("sum")}]}],
            "out": [{"x": 340, "y": 80, "wires": [{"id": node_id("sum"), "port": 0}]}],
            "env": [{"name": "PRICE", "type": "num", "value": "12.5"}],
        },
        _on(subflow, "sum", "function", func=_TOTAL, outputs=1, libs=[], wires=[[]]),
    ]


def _rush(home: str) -> list[Node]:
    """Return what 1.1.0 adds: every order goes by way of the rush line first."""
    return [
        _on(home, "rush?", "function", func=_PREPARE, outputs=1, libs=[], wires=[[node_id("Ask rush line")]]),
        {**_request(home, "Ask rush line", "${RUSH_URL}"), "wires": [[node_id("Rush answer")]]},
        _on(
            home,
            "Rush answer",
            "function",
            func="if (msg.statusCode !== 200) { msg.payload = {}; return [null, msg] }\nreturn [msg, null]\n",
            outputs=2,
            libs=[],
            wires=[[node_id("total")], [node_id("Answer")]],
        ),
    ]


def _request(home: str, name: str, url: str) -> Node:
    return _on(
        home,
        name,
        "http request",
        method="POST",
        ret="obj",
        paytoqs="ignore",
        url=url,
        tls="",
        persist=False,
        proxy="",
        insecureHTTPParser=False,
        authType="",
        senderr=False,
        headers=[],
        wires=[[node_id("Answer")]],
    )


def _on(home: str, name: str, kind: str, *, label: str = "", **more: Any) -> Node:
    node = {"id": node_id(name), "type": kind, "z": home, "name": label or name, "x": 200, "y": 80}
    return {**node, **more}
