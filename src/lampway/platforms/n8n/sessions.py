"""Sign-ins that are still good: n8n takes five a minute of an account, so that each is used as long as it lasts."""

from __future__ import annotations

from lampway.domain.digest import digest
from lampway.domain.secret import Secret
from lampway.engine.platform import Access

COOKIE = "n8n-auth"
"""What a sign-in is known by."""


class Sessions:
    """The sign-ins of one process, in its memory only. Any thread may ask."""

    def __init__(self) -> None:
        self._kept: dict[str, Secret] = {}

    def find(self, access: Access) -> Secret | None:
        """Return the sign-in of these very credentials there; it may have ended meanwhile."""
        return self._kept.get(_key(access))

    def keep(self, access: Access, cookie: str) -> Secret:
        """Remember a sign-in."""
        return self._kept.setdefault(_key(access), Secret(cookie))

    def forget(self, access: Access) -> None:
        """Forget a sign-in that n8n does not accept any more."""
        self._kept.pop(_key(access), None)


def _key(access: Access) -> str:
    shown = [access.credentials[name].reveal() for name in ("user", "password") if name in access.credentials]
    return digest([access.url, *shown])
