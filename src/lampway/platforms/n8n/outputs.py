"""What the ways out of a node are called, and the kinds of its wires."""

from __future__ import annotations

import re
from typing import Any

from lampway.platforms.n8n.workflows import Node, Wire

_LABELS = {
    "n8n-nodes-base.if": ("true", "false"),
    "n8n-nodes-base.filter": ("kept", "discarded"),
    "n8n-nodes-base.splitInBatches": ("done", "loop"),
    "n8n-nodes-base.compareDatasets": ("in A only", "same", "different", "in B only"),
}
_LONGEST = 40


def labels_of(node: Node, used: int) -> list[str]:
    """Return what the main outputs of a node are called; `used` is how many of them have wires.

    A node with one way out has one empty label. Where errors have a way out of their own, it is the last.
    """
    known = _known(node)
    on_error = node.get("onError") == "continueErrorOutput"
    if not known:
        known = ["success"] if on_error and used <= 2 else [str(n) for n in range(1, used + 1)]
    labels = [*known, "error"] if on_error and (_known(node) or used <= 2) else known
    return labels if len(labels) > 1 else [""]


def _known(node: Node) -> list[str]:
    version = node.get("typeVersion")
    if node["type"] == "n8n-nodes-base.switch":
        return _switch(node["parameters"])
    if node["type"] == "n8n-nodes-base.splitInBatches" and isinstance(version, int | float) and version < 3:
        return ["loop", "done"] if version >= 2 else []
    return list(_LABELS.get(node["type"], ()))


def _switch(parameters: dict[str, Any]) -> list[str]:
    rules = parameters.get("rules")
    listed = rules.get("values") if isinstance(rules, dict) else None
    if not isinstance(listed, list):
        return []
    labels = [_short(rule.get("outputKey")) if isinstance(rule, dict) else "" for rule in listed]
    labels = [label or str(index) for index, label in enumerate(labels, 1)]
    options = parameters.get("options")
    if isinstance(options, dict) and options.get("fallbackOutput") == "extra":
        labels.append(_short(options.get("renameFallbackOutput")) or "otherwise")
    return labels


def _short(text: Any) -> str:
    return " ".join(text.split())[:_LONGEST] if isinstance(text, str) else ""


def kind_word(kind: str) -> str:
    """Return what a maker calls a kind of wire: `ai_languageModel` gives language model."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.removeprefix("ai_")).lower()[:_LONGEST]


def label_of(wire: Wire, labels: list[str]) -> str:
    """Return what tells a wire from others between the same two nodes; empty where there is one way only."""
    if wire.kind != "main":
        way = kind_word(wire.kind)
    else:
        way = labels[wire.output] if wire.output < len(labels) else str(wire.output + 1)
    into = f"into {wire.index + 1}" if wire.index else ""
    return ", ".join(part for part in (way, into) if part)
