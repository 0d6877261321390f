"""Power Platform: solution packages, read without a tenant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lampway.platforms.powerplatform.platform import PowerPlatform


def create() -> PowerPlatform:
    """Return the platform."""
    from lampway.platforms.powerplatform.platform import PowerPlatform

    return PowerPlatform()
