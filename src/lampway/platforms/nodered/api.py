"""Node-RED's admin API over HTTP: every answer checked, every failure told in our own errors.

Before a change was sent, and on reads, a failure is `UnreachableError` or `PlatformError`: nothing happened. Once a
change was sent, everything that is not a clear answer is `UnknownOutcomeError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import unescape
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import quote

from lampway.engine.platform import Access
from lampway.errors import (
    AccessError,
    ConflictError,
    InvalidPackageError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.calls import failures, never_sent
from lampway.platforms.nodered.contents import check_nodes
from lampway.platforms.nodered.flows import Node

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

PROBE_REVISION = "lampway-probe"
"""A revision no runtime can have: whoever may deploy is told 409 for it, and nothing is read, saved or restarted."""

_CONNECT = 5.0  # seconds
_ANSWER = 30.0  # seconds; a runtime with a thousand nodes takes about one
_HEADERS = {"Node-RED-API-Version": "v2", "Accept": "application/json"}
_ADDRESS_HINT = "is the url the address of the Node-RED admin API, with its httpAdminRoot if it has one?"
_ACCESS_HINT = "check the environment's access: a token from settings.js, or a user and a password"


class Api:
    """One conversation with one runtime. Signs in when the first call needs it; to be used with `with`."""

    def __init__(self, access: Access, *, transport: httpx.BaseTransport | None = None) -> None:
        import httpx

        self.where = access.environment
        """Name of the environment, for messages."""
        self._url = access.url.rstrip("/")
        self._credentials = access.credentials
        self._authorization: dict[str, str] | None = None
        self._errors = failures()
        self._unsent = never_sent()
        timeout = httpx.Timeout(_ANSWER, connect=_CONNECT)
        certificates = not self._url.startswith("http://")  # to load them takes longer than most calls
        self._client = httpx.Client(timeout=timeout, transport=transport, follow_redirects=False, verify=certificates)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._client.close()

    def settings(self) -> dict[str, Any]:
        """Return what the runtime tells about itself and about who we are."""
        return _mapping(self._read("/settings"), self.where)

    def flows(self) -> tuple[list[Node], str]:
        """Return every node, in order and without credentials, and the revision of them."""
        answer = _mapping(self._read("/flows"), self.where)
        nodes, rev = answer.get("flows"), answer.get("rev")
        if not isinstance(nodes, list) or not isinstance(rev, str):
            raise PlatformError("answers without flows and their revision", where=self.where, hint=_ADDRESS_HINT)
        try:
            return check_nodes(nodes, where="flows"), rev
        except InvalidPackageError as error:
            hint = "open the editor there, repair the node and deploy"
            raise PlatformError(f"its flows are damaged: {error}", where=self.where, hint=hint) from error

    def state(self) -> str:
        """Return `start`, `stop` or `safe`: whether the flows are meant to run."""
        return str(_mapping(self._read("/flows/state"), self.where).get("state", ""))

    def node_types(self) -> tuple[frozenset[str], dict[str, str]]:
        """Return the node types that can be used, and those installed that cannot, with the reason."""
        sets = self._read("/nodes")
        if not isinstance(sets, list) or not all(isinstance(item, dict) for item in sets):
            raise PlatformError("answers without its node types", where=self.where, hint=_ADDRESS_HINT)
        usable: set[str] = set()
        broken: dict[str, str] = {}
        for item in sets:
            reason = f"{item.get('module')} failed to load there" if item.get("err") else ""
            reason = reason or ("" if item.get("enabled") else f"{item.get('module')} is disabled there")
            if reason:
                broken |= dict.fromkeys(item.get("types") or (), reason)
            else:
                usable |= set(item.get("types") or ())
        return frozenset(usable), {name: why for name, why in broken.items() if name not in usable}

    def stored_fields(self, kind: str, id_: str) -> tuple[str, ...]:
        """Return the names of the credential fields that hold something, sorted; never a value. Raises AccessError.

        Node-RED tells nothing about the secrets of a `global-config`.
        """
        answer = _mapping(self._read(f"/credentials/{quote(kind, safe='')}/{quote(id_, safe='')}"), self.where)
        marks = {name.removeprefix("has_"): bool(value) for name, value in answer.items()}
        return tuple(sorted(name for name, is_stored in marks.items() if is_stored))

    def may_deploy(self, nodes: Sequence[Node] | None = None) -> bool:
        """Return whether we may deploy, without deploying: with a revision that is refused whatever we may.

        With `nodes` the request is as big as the real one, so that a body limit shows as PlatformRefusedError.
        """
        body = encode({"rev": PROBE_REVISION, **({} if nodes is None else {"flows": nodes})})
        try:
            response = self._send("POST", "/flows", body, is_change=False)
            self._judge(response, is_change=False)
        except ConflictError:
            return True
        except AccessError:
            return False
        raise PlatformError("accepts a deployment that is out of date", where=self.where, hint=_ADDRESS_HINT)

    def may_change_modules(self) -> bool:
        """Return whether we may install, enable or disable node modules; asked about one that cannot be there."""
        try:
            self._judge(
                self._send("PUT", "/nodes/lampway-probe", b'{"enabled":true}', is_change=False), is_change=False
            )
        except AccessError:
            return False
        except PlatformRefusedError:  # it looked for the module, so we may
            return True
        return True

    def control(self, wanted: Mapping[str, str] | None = None) -> dict[str, Any] | None:
        """Return how a runtime that Lampway started stands, after changing what is wanted; None for any other one.

        Ask before changing anything: elsewhere the address belongs to somebody's flows.
        """
        body = None if wanted is None else encode(wanted)
        response = self._send("GET" if body is None else "PUT", "/lampway/control", body, is_change=False)
        told = _json(response) if response.status_code != 404 else None
        if told is None or (response.status_code == 200 and not (isinstance(told, dict) and "lockable" in told)):
            return None
        self._judge(response, is_change=False)
        return _mapping(told, self.where)

    def title(self) -> str:
        """Return what the editor shows at its top, where HTML is taken. Raises PlatformError where there is none."""
        header = _mapping(self._read("/theme"), self.where).get("header")
        return unescape(str(header.get("title") or "")) if isinstance(header, dict) else ""

    def deploy(self, nodes: Sequence[Node], revision: str, kind: str) -> str:
        """Replace every node, if the runtime still is at `revision`; return its new revision.

        Raises ConflictError, AccessError, PlatformRefusedError or UnreachableError when nothing happened, else
        UnknownOutcomeError.
        """
        self._sign_in()
        body = encode({"flows": list(nodes), "rev": revision})
        response = self._send("POST", "/flows", body, is_change=True, headers={"Node-RED-Deployment-Type": kind})
        self._judge(response, is_change=True)
        rev = _json(response)
        if not isinstance(rev, dict) or not isinstance(rev.get("rev"), str):
            raise UnknownOutcomeError("the answer to the deployment is not what Node-RED answers", where=self.where)
        return str(rev["rev"])

    def _read(self, path: str) -> Any:
        response = self._send("GET", path, None, is_change=False)
        self._judge(response, is_change=False)
        answer = _json(response)
        if answer is _NOT_JSON:
            raise PlatformError(f"answers with no JSON: {path}", where=self.where, hint=_ADDRESS_HINT)
        return answer

    def _sign_in(self) -> dict[str, str]:
        if self._authorization is None:
            token = self._credentials.get("token")
            text = token.reveal() if token else self._log_in()
            self._authorization = {"Authorization": f"Bearer {text}"} if text else {}
        return self._authorization

    def _log_in(self) -> str:
        user, password = self._credentials.get("user"), self._credentials.get("password")
        if user is None or password is None:
            return ""
        form = {
            "client_id": "node-red-admin",
            "grant_type": "password",
            "scope": "",
            "username": user.reveal(),
            "password": password.reveal(),
        }
        try:
            response = self._client.post(f"{self._url}/auth/token", data=form, headers=_HEADERS)
        except self._errors as error:
            self._fail(error, is_change=False)
        if response.status_code in {400, 401, 403}:
            hint = "check user and password; after five wrong ones Node-RED refuses a user for ten minutes"
            raise AccessError("does not accept the user and password", where=self.where, hint=hint)
        self._judge(response, is_change=False)
        answer = _json(response)
        if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
            raise PlatformError("answers the sign-in with no token", where=self.where, hint=_ADDRESS_HINT)
        return str(answer["access_token"])

    def _send(
        self, method: str, path: str, body: bytes | None, *, is_change: bool, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        content = {"Content-Type": "application/json"} if body is not None else {}
        sent = {**_HEADERS, **content, **self._sign_in(), **(headers or {})}
        try:
            return self._client.request(method, self._url + path, content=body, headers=sent)
        except self._errors as error:
            self._fail(error, is_change=is_change)

    def _fail(self, error: Exception, *, is_change: bool) -> NoReturn:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, ValueError):  # may repeat what it could not encode, such as a token
            what = "the address or a credential has a character that cannot be sent"
        if isinstance(error, self._unsent) or not is_change:
            hint = f"is Node-RED running at {self._url}?"
            raise UnreachableError(f"cannot be reached: {what}", where=self.where, hint=hint) from None
        hint = "the deployment may have happened; look at the environment before doing it again"
        raise UnknownOutcomeError(f"no answer to the deployment: {what}", where=self.where, hint=hint) from None

    def _judge(self, response: httpx.Response, *, is_change: bool) -> None:
        """Raise for every status but success, as the error that says what it means."""
        status = response.status_code
        if 200 <= status < 300:
            return
        said = _said(response)
        if status in {401, 403}:
            asked = f"{response.request.method} {response.request.url.path}"
            raise AccessError(f"does not let us do this ({status}): {asked}", where=self.where, hint=_ACCESS_HINT)
        if status == 409:
            hint = "somebody deployed meanwhile; look at what changed, then try again"
            raise ConflictError("the flows were changed since we looked", where=self.where, hint=hint)
        if status == 413:
            hint = "raise apiMaxLength in settings.js, or make the solution smaller"
            raise PlatformRefusedError("the flows are too big for one deployment", where=self.where, hint=hint)
        if status == 400:
            raise PlatformRefusedError(f"refuses: {said or 'no reason given'}", where=self.where)
        if is_change:
            raise UnknownOutcomeError(f"no usable answer to the deployment ({status}) {said}".strip(), where=self.where)
        if status >= 500:
            raise UnreachableError(f"is there but does not work ({status}) {said}".strip(), where=self.where)
        raise PlatformError(f"answers what Node-RED does not answer ({status})", where=self.where, hint=_ADDRESS_HINT)


_NOT_JSON = object()


def encode(body: Any) -> bytes:
    """Return the JSON of a request, as short as Node-RED itself would write it."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which JavaScript allows in a text
        return json.dumps(body, separators=(",", ":")).encode()


def _json(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _said(response: httpx.Response) -> str:
    """Return the reason in an answer, if it is a short one; never a page."""
    answer = _json(response)
    reason = answer.get("message") or answer.get("error_description") if isinstance(answer, dict) else ""
    return reason[:200] if isinstance(reason, str) else ""


def _mapping(answer: Any, where: str) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise PlatformError("answers in a form that Node-RED does not use", where=where, hint=_ADDRESS_HINT)
    return answer
