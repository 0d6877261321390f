"""Generated flows: a runtime of any size, drawn as makers draw, with code, addresses and credentials in it."""

from __future__ import annotations

from typing import Any

from lampway.domain.package import Scope
from lampway.platforms.nodered.package import build_package

Node = dict[str, Any]
_PER_TAB = 50
_CODE = """\
// step {number}: takes what came in apart and hands on what the next one needs
const order = msg.payload || {{}}
if (!order.item || !(order.quantity > {number})) {{
    node.warn(`order ${{order.id}} is incomplete`)
    msg.statusCode = 400
    return [null, msg]
}}
const each = Number(env.get('PRICE_{tab}'))
msg.payload = {{ ...order, total: Math.round(order.quantity * each * 100) / 100, step: {number} }}
msg.headers = {{ 'content-type': 'application/json', 'x-step': '{number}' }}
return [msg, null]
"""
_TEXT = "<p>Order {{payload.id}} of {{payload.item}} was taken in step %d.</p>"


def package(count: int, *, edited: bool = False) -> bytes:
    """Return a package of about `count` nodes; `edited` changes every tenth, moves another and adds one per tab."""
    nodes = flows(count, edited=edited)
    contains = tuple(node["label"] for node in nodes if node["type"] == "tab")
    secret = {node["id"]: ("user", "password") for node in nodes if node["type"] == "http request"}
    return build_package(nodes, Scope("bench", "1.0.0", contains), credential_fields=secret)


def flows(count: int, *, edited: bool = False) -> list[Node]:
    """Return the flows array."""
    nodes: list[Node] = []
    for tab in range((count + _PER_TAB - 1) // _PER_TAB):
        nodes += _tab(tab, min(_PER_TAB, count - tab * _PER_TAB), edited=edited)
    return nodes


def _tab(tab: int, count: int, *, edited: bool) -> list[Node]:
    home = f"{tab:016x}"
    label = f"Orders {tab}"
    nodes: list[Node] = [{"id": home, "type": "tab", "label": label, "disabled": False, "info": "", "env": []}]
    nodes += [_node(tab, home, number, edited=edited) for number in range(count - 1)]
    if edited:
        nodes.append(_node(tab, home, count, edited=False))
    return nodes


def _node(tab: int, home: str, number: int, *, edited: bool) -> Node:
    index = tab * 1000 + number
    node: Node = {
        "id": f"a{index:015x}",
        "z": home,
        "name": f"step {number}",
        "x": 200 + (20 if edited and number % 10 == 5 else 0),
        "y": 40 + 40 * number,
        "wires": [[f"a{index + 1:015x}"] if number % _PER_TAB < _PER_TAB - 2 else []],
        **_kind(tab, number),
    }
    if edited and number % 10 == 0:
        node["name"] += " as of today"
    return node


def _kind(tab: int, number: int) -> Node:
    """Return what makes the node what it is: of every five two functions, a switch, a request and a template."""
    match number % 5:
        case 0:
            return {"type": "http request", "method": "POST", "ret": "obj", "url": "${ERP_URL}", "authType": "basic"}
        case 1 | 2:
            return {"type": "function", "func": _CODE.format(tab=tab, number=number), "outputs": 2, "libs": []}
        case 3:
            rules = [{"t": "gt", "v": str(number), "vt": "num"}, {"t": "else"}]
            return {"type": "switch", "property": "payload.total", "propertyType": "msg", "rules": rules, "outputs": 2}
        case _:
            return {"type": "template", "field": "payload", "syntax": "mustache", "template": _TEXT % number}
