"""How a call over HTTP can fail, whichever platform is asked: the library is loaded by whoever calls first."""

from __future__ import annotations


def failures() -> tuple[type[Exception], ...]:
    """Return everything that a call can raise, before and after it was sent."""
    import httpx

    return (
        httpx.HTTPError,
        httpx.InvalidURL,
        httpx.StreamError,
        httpx.CookieConflict,
        ValueError,  # what httpx itself raises for texts that fit into no header or address
    )


def never_sent() -> tuple[type[Exception], ...]:
    """Return those of the failures after which nothing can have happened there."""
    import httpx

    return (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.UnsupportedProtocol,
        httpx.InvalidURL,
        ValueError,
    )
