"""What the emulated platform answers when it refuses: status, code and words, as Dataverse sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RefusedError(Exception):
    """An answer that is no success."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None, style: str = "odata"
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})
        self.style = style
        """`odata` for Dataverse and the admin APIs, `oauth` for the token endpoint."""

    def body(self) -> dict[str, Any]:
        """Return the answer's JSON."""
        if self.style == "oauth":
            return {"error": self.code, "error_description": self.message, "error_codes": [], "correlation_id": ""}
        return {"error": {"code": self.code, "message": self.message}}


def bad_request(message: str, code: str = "0x80048d19") -> RefusedError:
    """Return the refusal of a request that makes no sense."""
    return RefusedError(400, code, message)


def not_found(what: str, id_: str) -> RefusedError:
    """Return the refusal for a row that is not there."""
    return RefusedError(404, "0x80040217", f"Entity '{what}' With Id = {id_} Does Not Exist")


def no_resource(segment: str) -> RefusedError:
    """Return the refusal for a set of rows, a function or an action that nobody knows."""
    return RefusedError(404, "0x8006088a", f"Resource not found for the segment '{segment}'.")


def forbidden(message: str) -> RefusedError:
    """Return the refusal for somebody without the privilege."""
    return RefusedError(403, "0x80040220", message)


def precondition_failed() -> RefusedError:
    """Return the refusal for a row that has changed since, or is not there."""
    return RefusedError(
        412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."
    )


def unauthorized(message: str = "The access token is missing, unknown or expired.") -> RefusedError:
    """Return the refusal for a request whose token does not count."""
    return RefusedError(401, "0x80072560", message, headers={"WWW-Authenticate": "Bearer"})
