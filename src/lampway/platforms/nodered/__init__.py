"""Node-RED: flows as packages, and a live runtime behind the platform port."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lampway.platforms.nodered.platform import NodeRed


def create() -> NodeRed:
    """Return the platform. Nothing heavy is imported before a runtime is spoken to."""
    from lampway.platforms.nodered.platform import NodeRed

    return NodeRed()
