"""n8n's public API over HTTP: every answer checked, every failure told in our own errors.

Before a change was sent, and on reads, a failure is `UnreachableError` or `PlatformError`: nothing happened. Once a
change was sent, everything that is not a clear answer is `UnknownOutcomeError`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self
from urllib.parse import quote

from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.errors import (
    AccessError,
    ConflictError,
    PlatformError,
    PlatformRefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.platforms.calls import failures, never_sent
from lampway.platforms.n8n.sessions import COOKIE, Sessions

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

Json = dict[str, Any]

_CONNECT, _ANSWER = 5.0, 60.0  # seconds; the first import of a fresh instance takes more than one
_WHOLE, _LIST = 120.0, 300.0  # seconds for an answer to arrive whole, and for a list of many pages
_LARGEST = 256 * 1024 * 1024  # bytes of an answer
_PAGE, _MOST_PAGES = 250, 400
_ADDRESS_HINT = "is the url the address at which n8n's editor opens?"
_ACCESS_HINT = "check the environment's access: `token` is an API key made under Settings, n8n API, with our scopes"
_LICENCE_HINT = "this needs a licence of n8n, which the community edition does not have"
_UNKNOWN_HINT = "the change may have happened; look at the environment before doing it again"
_CHANGED_HINT = "look at what changed there, then try again"
_LATER_HINT = "try again later"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential of an instance; its secret is told to nobody."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Publication:
    """What n8n itself says of the version that runs."""

    status: str
    """published, in_progress, partial, failed or not_published."""
    version: str
    """Id of the version whose triggers are live; empty for none."""
    errors: tuple[str, ...] = ()


class Api:
    """One conversation with one instance; to be used with `with`."""

    def __init__(
        self,
        access: Access,
        *,
        sessions: Sessions | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import httpx

        self.clock = clock
        """Seconds that only ever grow; every wait is measured by them."""
        self._access = access
        self._sessions = sessions or Sessions()
        self._cookie: Secret | None = None
        self._who: Json | None = None
        self.is_held_off = False
        """Whether n8n takes no more sign-ins of this account for now; it says so to the sixth of a minute."""

        self.where = access.environment
        """Name of the environment, for messages."""
        self._url = access.url.rstrip("/")
        self._public = (access.public_url or access.url).rstrip("/")
        self._credentials = access.credentials
        self._errors = failures()
        self._unsent = never_sent()
        timeout = httpx.Timeout(_ANSWER, connect=_CONNECT)
        certificates = not (self._url.startswith("http://") and self._public.startswith("http://"))
        self._client = httpx.Client(timeout=timeout, transport=transport, follow_redirects=False, verify=certificates)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._client.close()

    def scopes(self) -> frozenset[str]:
        """Return what our key may do."""
        return frozenset(map(str, _mapping(self._read("/discover").get("data"), self.where).get("scopes") or ()))

    def workflows(self) -> list[Json]:
        """Return every workflow we can see that is not archived: its draft, and beside it the version that runs."""
        found = list(self._pages("/workflows", {"excludePinnedData": "true"}))
        if not all(isinstance(w.get("id"), str) and isinstance(w.get("nodes"), list) for w in found):
            raise PlatformError("answers with something else than workflows", where=self.where, hint=_ADDRESS_HINT)
        return [workflow for workflow in found if not workflow.get("isArchived")]

    def source_of(self, id_: str) -> str:
        """Return the id that a workflow had in the package that brought it; empty for one that was made there."""
        return str(self._read(f"/workflows/{quote(id_, safe='')}").get("sourceWorkflowId") or "")

    def credentials(self) -> dict[str, Credential]:
        """Return every credential we can see, by id. Raises AccessError where our key may not list them."""
        found = self._pages("/credentials", {})
        return {str(c["id"]): Credential(str(c["id"]), str(c.get("name")), str(c.get("type"))) for c in found}

    def variables(self) -> frozenset[str] | None:
        """Return the names of n8n's own variables; None where its licence, or our key, has none."""
        try:
            return frozenset(str(one.get("key")) for one in self._pages("/variables", {}))
        except AccessError:
            return None

    def executions(self, workflow: str, **asked: str) -> Iterator[Json]:
        """Yield the runs of a workflow that n8n still remembers, the newest first."""
        yield from self._pages("/executions", {"workflowId": workflow, **asked})

    def last_execution(self, workflow: str) -> Json | None:
        """Return the newest run of a workflow that n8n still remembers."""
        return next(self._pages("/executions", {"workflowId": workflow, "limit": "1"}), None)

    def objections(self, package: bytes) -> list[Json]:
        """Return what n8n says against a package that it must refuse, whatever else is in it: nothing is written."""
        response = self._send("POST", "/n8n-packages/import", is_change=False, **_import_form(package, "fail"))
        if response.status_code in {409, 422}:
            told = _json(response)
            issues = told.get("issues") if isinstance(told, dict) else None
            if isinstance(issues, list):
                return [one for one in issues if isinstance(one, dict)]
        self._judge(response, is_change=False)
        raise PlatformError("accepts a package that it should refuse", where=self.where, hint="look what is there")

    def bring(self, package: bytes) -> None:
        """Create the workflows of a package of n8n's own, under the ids that they have in it, and publish none."""
        self._change("POST", "/n8n-packages/import", **_import_form(package, "new-version"))

    def save(self, workflow: Json) -> None:
        """Save the draft of a workflow; the version that runs goes on."""
        path = f"/workflows/{quote(workflow['id'], safe='')}?publishIfActive=false"
        self._change("PUT", path, json={key: value for key, value in workflow.items() if key != "id"})

    def publish(self, id_: str, version: str) -> None:
        """Let a version of a workflow run. n8n answers before it does."""
        self._change("POST", f"/workflows/{quote(id_, safe='')}/publish", json={"versionId": version})

    def unpublish(self, id_: str) -> None:
        """Let a workflow run no longer."""
        self._change("POST", f"/workflows/{quote(id_, safe='')}/unpublish", json={})

    def delete(self, id_: str) -> None:
        """Delete a workflow. Raises ConflictError while it is still being unpublished."""
        self._change("DELETE", f"/workflows/{quote(id_, safe='')}")

    def publication(self, id_: str) -> Publication | None:
        """Return what n8n says of the version that runs; None where we are not signed in: keys are not told."""
        if self.sign_in() is None:
            return None
        response = self._session_send("GET", f"/workflows/{quote(id_, safe='')}/publication-status")
        if response.status_code == 404:
            return Publication("not_published", "")  # the workflow itself is gone
        told = _mapping(self._session_told(response).get("data"), self.where)
        errors = [str(t.get("errorMessage")) for t in told.get("triggers") or () if t.get("errorMessage")]
        return Publication(str(told.get("status") or ""), str(told.get("liveVersionId") or ""), tuple(errors))

    def sign_in(self) -> Json | None:
        """Sign in with user and password, and return who we are. Raises AccessError where n8n does not accept them.

        None where they were not given, and where n8n holds us off.
        """
        if not {"user", "password"} <= self._credentials.keys():
            return None
        if self._who is None and not self.is_held_off:
            self._who = self._signed_in_before() or self._signed_in_now()
        return self._who

    def _signed_in_before(self) -> Json | None:
        self._cookie = self._sessions.find(self._access)
        if self._cookie is None:
            return None
        response = self._session_send("GET", "/login")
        if response.status_code == 401:
            self._sessions.forget(self._access)
            self._cookie = None
            return None
        return _mapping(self._session_told(response).get("data"), self.where)

    def _signed_in_now(self) -> Json | None:
        words = (self._credentials[name].reveal() for name in ("user", "password"))
        body = dict(zip(("emailOrLdapLoginId", "password"), words, strict=True))
        response = self._session_send("POST", "/login", json=body)
        if response.status_code == 429:
            self.is_held_off = True
            return None
        who = _mapping(self._session_told(response).get("data"), self.where)
        cookie = response.cookies.get(COOKIE)
        if not cookie:
            raise PlatformError("signs us in without a session", where=self.where, hint=_ADDRESS_HINT)
        self._cookie = self._sessions.keep(self._access, cookie)
        return who

    def session(self, path: str) -> Json:
        """Return what the editor's own API answers to whoever signed in; an empty one where nobody did."""
        return {} if self.sign_in() is None else self._session_told(self._session_send("GET", path))

    def answers_webhook(self, path: str, unused: str) -> bool:
        """Return whether n8n listens on a webhook path, asked with a method that it does not listen for: nothing runs.

        n8n then names the methods that it does listen for.
        """
        try:
            response = self._exchange(unused, f"{self._public}/webhook/{path.strip('/')}", timeout=10)
        except self._errors:
            return False
        return response.status_code == 404 and "is not registered for" in response.text

    def _pages(self, path: str, asked: Mapping[str, str]) -> Iterator[Json]:
        cursor: str | None = None
        end = self.clock() + _LIST
        for _ in range(_MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = self._read(path, params={"limit": str(_PAGE), **asked, **more})
            listed = answer.get("data")
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise PlatformError(f"answers with no list: {path}", where=self.where, hint=_ADDRESS_HINT)
            yield from listed
            cursor = answer.get("nextCursor")
            if not cursor:
                return
            if self.clock() > end:
                message = f"does not come to the end of a list within {_LIST:.0f} seconds: {path}"
                raise UnreachableError(message, where=self.where, hint="is n8n overloaded? look at its machine")
        hint = "let n8n keep fewer of them: a list so long is not read to its end"
        raise PlatformError(f"lists more than {_PAGE * _MOST_PAGES} things: {path}", where=self.where, hint=hint)

    def _read(self, path: str, **more: Any) -> Json:
        response = self._send("GET", path, is_change=False, **more)
        self._judge(response, is_change=False)
        return _mapping(_json(response), self.where)

    def _change(self, method: str, path: str, **more: Any) -> None:
        response = self._send(method, path, is_change=True, **more)
        self._judge(response, is_change=True)
        if not isinstance(_json(response), dict):
            message = "the answer to the change is not what n8n answers"
            raise UnknownOutcomeError(message, where=self.where, hint=_ADDRESS_HINT)

    def _send(self, method: str, path: str, *, is_change: bool, **more: Any) -> httpx.Response:
        token = self._credentials.get("token")
        headers = {"Accept": "application/json", **({"X-N8N-API-KEY": token.reveal()} if token else {})}
        try:
            return self._exchange(method, f"{self._url}/api/v1{path}", headers=headers, **more)
        except self._errors as error:
            self._fail(error, is_change=is_change)

    def _session_send(self, method: str, path: str, **more: Any) -> httpx.Response:
        cookie = {"Cookie": f"{COOKIE}={self._cookie.reveal()}"} if self._cookie else {}
        try:
            return self._exchange(
                method, f"{self._url}/rest{path}", headers={"browser-id": "lampway", **cookie}, **more
            )
        except self._errors as error:
            self._fail(error, is_change=False)

    def _session_told(self, response: httpx.Response) -> Json:
        if response.status_code in {400, 401, 403}:
            hint = "check user and password; accounts with two factors cannot sign in this way"
            raise AccessError("does not accept the user and password", where=self.where, hint=hint)
        self._judge(response, is_change=False)
        return _mapping(_json(response), self.where)

    def _exchange(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Return the whole answer, of bounded size, within bounded time, however slowly it drips."""
        import httpx

        end = self.clock() + _WHOLE
        with self._client.stream(method, url, **more) as response:
            parts, size = [], 0
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > _LARGEST:
                    raise httpx.ReadError("the answer is larger than anything that can be used")
                if self.clock() > end:
                    raise httpx.ReadTimeout("the answer takes too long to arrive")
            cookies = [("set-cookie", one) for one in response.headers.get_list("set-cookie")]
            whole = httpx.Response(response.status_code, headers=cookies, content=b"".join(parts))
            whole.request = response.request
            return whole

    def _fail(self, error: Exception, *, is_change: bool) -> NoReturn:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if isinstance(error, ValueError):  # may repeat what it could not encode, such as a key
            what = "the address or a credential has a character that cannot be sent"
        if isinstance(error, self._unsent) or not is_change:
            hint = f"is n8n running at {self._url}?"
            raise UnreachableError(f"cannot be reached: {what}", where=self.where, hint=hint) from None
        raise UnknownOutcomeError(f"no answer to the change: {what}", where=self.where, hint=_UNKNOWN_HINT) from None

    def _judge(self, response: httpx.Response, *, is_change: bool) -> None:
        """Raise for every status but success, as the error that says what it means."""
        status = response.status_code
        if 200 <= status < 300:
            return
        said = _said(response)
        if status in {401, 403}:
            asked = f"{response.request.method} {response.request.url.path}"
            told = f"does not let us do this ({status}): {asked}" + (f": {said}" if said else "")
            hint = _LICENCE_HINT if "licen" in said.lower() else _ACCESS_HINT
            raise AccessError(told, where=self.where, hint=hint)
        if status == 404 and is_change:
            raise ConflictError("what was to be changed is no longer there", where=self.where, hint=_CHANGED_HINT)
        if status == 409:
            told = f"refuses: {said or 'it was changed meanwhile'}"
            raise ConflictError(told, where=self.where, hint=_CHANGED_HINT)
        if status in {400, 413, 422}:
            told = f"refuses: {said or 'no reason given'}"
            raise PlatformRefusedError(told, where=self.where, hint="look at it in n8n's editor there")
        if status == 429 and not is_change:
            raise UnreachableError("asks us to come back later", where=self.where, hint=_LATER_HINT)
        if is_change:
            told = f"no usable answer to the change ({status}) {said}".strip()
            raise UnknownOutcomeError(told, where=self.where, hint=_UNKNOWN_HINT)
        if status >= 500:
            told = f"is there but does not work ({status}) {said}".strip()
            raise UnreachableError(told, where=self.where, hint="look at the log of n8n there")
        if 300 <= status < 400:
            hint = "give the address at which n8n itself answers, with no sign-in of another program before it"
            raise PlatformError(f"sends us elsewhere ({status})", where=self.where, hint=hint)
        raise PlatformError(f"answers what n8n does not answer ({status})", where=self.where, hint=_ADDRESS_HINT)


def _import_form(package: bytes, on_conflict: str) -> Json:
    """Return how a package is sent: ids stay as they are, nothing is published, nothing is made up."""
    policies = {
        "workflowConflictPolicy": on_conflict,
        "workflowIdPolicy": "source",
        "workflowPublishingPolicy": "preserve-published-state",
        "missingNodeTypeMode": "fail",
        "credentialMissingMode": "must-preexist",
    }
    return {"data": policies, "files": {"package": ("package.n8np", package, "application/gzip")}}


_NOT_JSON = object()


def _json(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return _NOT_JSON


def _said(response: httpx.Response) -> str:
    """Return the reason in an answer, if it is a short one; never a page."""
    answer = _json(response)
    if not isinstance(answer, dict) or not isinstance(answer.get("message"), str):
        return ""
    issues = answer.get("issues")
    told = [str(one.get("type")) for one in issues if isinstance(one, dict)] if isinstance(issues, list) else []
    return " ".join([answer["message"][:300], *([f"({', '.join(told[:5])})"] if told else [])])


def _mapping(answer: Any, where: str) -> Json:
    if not isinstance(answer, dict):
        raise PlatformError("answers in a form that n8n does not use", where=where, hint=_ADDRESS_HINT)
    return answer
