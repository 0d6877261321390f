"""n8n's packages without its live half, for where the platform is not installed as an entry point."""

from __future__ import annotations

from lampway.platforms.n8n.package import N8nFormat


class PackagesOnly:
    """What commands about files ask of a platform."""

    name = "n8n"
    format = N8nFormat()


def create() -> PackagesOnly:
    return PackagesOnly()
