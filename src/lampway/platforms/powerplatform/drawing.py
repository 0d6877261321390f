"""Pictures of packages: cloud flows from left to right as they run, and canvas apps by their screens. No values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lampway.domain.graph import Graph, GraphEdge, GraphNode
from lampway.platforms.powerplatform.canvas import CanvasApp
from lampway.platforms.powerplatform.content import read_content
from lampway.platforms.powerplatform.contents import Contents, Part
from lampway.platforms.powerplatform.flows import Json, definition_of, object_in, operation_of, section, title_of

_ROW = 60.0
_GAP = 50.0
_LETTER, _AROUND, _NARROWEST, _WIDEST = 8.0, 30.0, 100.0, 238.0
_BRANCHES: Mapping[str, str] = {"Foreach": "each", "Until": "repeat", "Scope": "in it"}
_RESULTS = {"succeeded": "success", "failed": "failure", "skipped": "skipped", "timedout": "time-out"}
_NAVIGATE = re.compile(r"\bNavigate\s*\(\s*(?:'((?:[^']|'')+)'|([^\W\d]\w*))")


def draw_contents(contents: Contents) -> tuple[Graph, ...]:
    """Return one graph per cloud flow and per canvas app. Raises InvalidPackageError."""
    return tuple(_graphs(contents))


def _graphs(contents: Contents) -> Iterator[Graph]:
    for part in contents.parts:
        if part.type not in {"flow", "canvas app"}:
            continue
        content = read_content(contents, part)
        if content.flow is not None:
            yield draw_flow(part.id, part.name, content.flow)
        elif content.canvas is not None:
            yield _draw_canvas(part, content.canvas)


@dataclass(slots=True)
class _Block:
    """A node with what is inside of it, or several that follow each other: cells from its own corner on."""

    cells: list[tuple[str, int, int]] = field(default_factory=list)
    """Node, column and row."""
    width: int = 0
    height: int = 0

    def put(self, other: _Block, column: int, row: int) -> None:
        """Put another block into this one."""
        self.cells += [(id_, x + column, y + row) for id_, x, y in other.cells]
        self.width = max(self.width, column + other.width)
        self.height = max(self.height, row + other.height)


@dataclass(slots=True)
class _Flow:
    """A flow that is being drawn."""

    id: str
    names: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Node to its name and type."""
    edges: dict[GraphEdge, None] = field(default_factory=dict)

    def node(self, place: str, name: str, type_: str) -> str:
        """Return the id of a new node."""
        id_ = f"{self.id}/{place}"
        while id_ in self.names:  # names are unique in a flow; in one that somebody wrote by hand they may not be
            id_ += "#"
        self.names[id_] = (name, type_)
        return id_

    def connect(self, source: str, target: str, label: str = "") -> None:
        """Draw a wire."""
        self.edges[GraphEdge(source, target, label)] = None


def draw_flow(id_: str, title: str, definition: Json) -> Graph:
    """Return a cloud flow: its trigger, then every action in the column after what it waits for.

    What a condition, a loop or a scope holds is to the right of it and below, each branch in rows of its own; what runs
    after it goes on in its row.
    """
    flow = _Flow(id_)
    whole = _Block()
    triggers = []
    for number, (name, body) in enumerate(section(definition_of(definition), "triggers").items()):
        place = f"triggers/{name}" if number else "triggers"
        triggers.append(
            flow.node(place, title_of(name), operation_of(body) or f"trigger {body.get('type', '')}".strip())
        )
        whole.put(_Block([(triggers[-1], 0, 0)], 1, 1), 0, whole.height)
    body, first = _sequence(flow, definition_of(definition).get("actions"))
    whole.put(body, 1 if triggers else 0, 0)
    for trigger in triggers:
        for action in first:
            flow.connect(trigger, action)
    return Graph(id_, title, _placed(flow, whole), tuple(flow.edges), is_arranged=True)


def _sequence(flow: _Flow, actions: Any) -> tuple[_Block, list[str]]:
    """Return actions that stand side by side in a flow or a branch, and those of them that wait for no other."""
    bodies = {name: one for name, one in actions.items() if isinstance(one, dict)} if isinstance(actions, dict) else {}
    ids = {name: flow.node(f"actions/{name}", title_of(name), _kind(body)) for name, body in bodies.items()}
    waits = {
        name: {one: how for one, how in object_in(body, "runAfter").items() if one in ids and one != name}
        for name, body in bodies.items()
    }
    for name, needed in waits.items():
        for one, how in needed.items():
            flow.connect(ids[one], ids[name], _after(how))
    whole = _Block()
    ends: dict[str, tuple[int, int]] = {}
    rights: list[int] = []
    for name in _in_order(waits):
        block = _with_inside(flow, ids[name], bodies[name])
        before = [ends[one] for one in waits[name] if one in ends]
        column = max((right for right, _ in before), default=0)
        row = before[0][1] if before else 0
        if any(right > column for right in rights[row : row + block.height]):
            row = len(rights)
        rights += [0] * (row + block.height - len(rights))
        rights[row : row + block.height] = [column + block.width] * block.height
        whole.put(block, column, row)
        ends[name] = (column + block.width, row)
    return whole, [ids[name] for name, needed in waits.items() if not needed]


def _in_order(waits: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield names after all that they wait for, one line to its end before the next; circles as they come."""
    follow: dict[str, list[str]] = {name: [] for name in waits}
    for name, needed in waits.items():
        for one in needed:
            follow[one].append(name)
    left = {name: len(needed) for name, needed in waits.items()}
    stack = [name for name, count in reversed(left.items()) if not count]
    done: set[str] = set()
    while stack:
        name = stack.pop()
        done.add(name)
        yield name
        for one in reversed(follow[name]):
            left[one] -= 1
            if not left[one]:
                stack.append(one)
    yield from (name for name in waits if name not in done)


def _with_inside(flow: _Flow, id_: str, body: Json) -> _Block:
    """Return an action with everything it holds to the right of it and below."""
    whole = _Block([(id_, 0, 0)], 1, 1)
    for label, actions in _branches(body):
        block, first = _sequence(flow, actions)
        whole.put(block, 1, whole.height)
        for one in first:
            flow.connect(id_, one, label)
    return whole


def _branches(body: Json) -> Iterator[tuple[str, Any]]:
    """Yield every branch of an action that holds others, with what it is called."""
    type_ = str(body.get("type", ""))
    yield ("yes" if type_ == "If" else _BRANCHES.get(type_, "in it")), body.get("actions")
    for case, held in object_in(body, "cases").items():
        yield title_of(case), object_in({"": held}, "").get("actions")
    yield "no", object_in(body, "else").get("actions")
    yield "default", object_in(body, "default").get("actions")


def _kind(body: Json) -> str:
    return operation_of(body) or str(body.get("type", "")) or "action"


def _after(how: Any) -> str:
    """Return after which results something goes on; nothing where that is success alone."""
    results = [_RESULTS.get(str(one).lower(), "another result") for one in how] if isinstance(how, list) else []
    return "" if results in ([], ["success"]) else "after " + " or ".join(sorted(set(results)))


def _placed(flow: _Flow, whole: _Block) -> tuple[GraphNode, ...]:
    """Return the nodes with columns as wide as what is in them needs, each at the left of its column."""
    lefts = [0.0] * (whole.width + 1)
    for id_, column, _ in whole.cells:
        lefts[column + 1] = max(lefts[column + 1], _width(flow.names[id_][0]) + _GAP)
    for column in range(whole.width):
        lefts[column + 1] += lefts[column]
    return tuple(
        GraphNode(id_, name, type_, x=lefts[column] + _width(name) / 2, y=row * _ROW)
        for id_, column, row in whole.cells
        for name, type_ in [flow.names[id_]]
    )


def _width(name: str) -> float:
    """Return about how wide a box with this name is drawn."""
    return min(max(_LETTER * len(name) + _AROUND, _NARROWEST), _WIDEST)


def _draw_canvas(part: Part, app: CanvasApp) -> Graph:
    """Return the screens of a canvas app, with wires to where their formulas navigate; the screens have no places."""
    screens = [top for top in app.tops.values() if top.kind == "screen"]
    names = {screen.name for screen in screens}
    nodes = tuple(GraphNode(f"{part.id}/{one.name}", one.name, "screen", 0.0, 0.0) for one in screens)
    edges: dict[GraphEdge, None] = {}
    for screen in screens:
        for control in screen.walk():
            for formula in control.formulas.values():
                for quoted, plain in _NAVIGATE.findall(formula):
                    name = quoted.replace("''", "'") or plain
                    if name in names and name != screen.name:
                        edges[GraphEdge(f"{part.id}/{screen.name}", f"{part.id}/{name}")] = None
    return Graph(part.id, part.name, nodes, tuple(edges))
