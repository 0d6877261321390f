"""n8n: workflows as packages, and a live instance behind the platform port."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lampway.platforms.n8n.platform import N8n


def create() -> N8n:
    """Return the platform. Nothing heavy is imported before an instance is spoken to."""
    from lampway.platforms.n8n.platform import N8n

    return N8n()
