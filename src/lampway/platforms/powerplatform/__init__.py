"""Power Platform: solution packages, and the environments they run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lampway.platforms.powerplatform.platform import PowerPlatform


def create() -> PowerPlatform:
    """Return the platform."""
    from lampway.platforms.powerplatform.platform import PowerPlatform

    return PowerPlatform()
