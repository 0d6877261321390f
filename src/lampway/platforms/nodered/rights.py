"""See, without changing anything, what our credentials and a maker's may do in a runtime."""

from __future__ import annotations

from collections.abc import Callable

from lampway.engine.abilities import Lock, LockState
from lampway.engine.platform import Access, Rights
from lampway.errors import AccessError, PlatformError, UnreachableError
from lampway.platforms.nodered.api import Api

Connect = Callable[[Access], Api]

_SCOPE = "add `{}` to the scope of our token, under adminAuth.tokens in settings.js"
_LOCK_CURE = (
    "in settings.js give people `permissions: 'read'` under adminAuth.users and no more under adminAuth.default, "
    "leave `flows.write` to our token only, and restart Node-RED; "
    "`readOnly: true` is no lock: deployments then still go live"
)
_BEYOND = "nobody can keep out who may change files or restart Node-RED on its machine"


def probe_rights(connect: Connect, access: Access) -> Rights:
    """Return what our credentials may do there. Raises AccessError when they are good for nothing at all."""
    with connect(access) as api:
        settings, settings_error = _try(api.settings)
        _, flows_error = _try(api.flows)
        can_deploy = api.may_deploy()
        if settings_error and flows_error and not can_deploy:
            raise flows_error
        missing = [
            *_lack(flows_error, "flows.read", "the flows cannot be read"),
            *([] if can_deploy else _lack(AccessError(""), "flows.write", "nothing can be deployed")),
            *_lack(_try(api.node_types)[1], "nodes.read", "it cannot be seen which node types are installed"),
            *_lack(settings_error, "settings.read", "the version cannot be seen"),
        ]
        credentials, notes = _sees_credentials(api)
    if _may_deploy(connect, Access(access.environment, access.url)):
        notes.append("anybody who reaches this address can deploy there: it has no adminAuth, or lets everybody write")
    user = (settings or {}).get("user")
    return Rights(
        product=f"Node-RED {(settings or {}).get('version', '')}".strip(),
        can_read=flows_error is None,
        can_deploy=can_deploy and flows_error is None,
        user=str(user.get("username", "")) if isinstance(user, dict) else "",
        missing=(*missing, *credentials),
        notes=tuple(notes),
    )


def watch_lock(connect: Connect, access: Access, maker: Access | None) -> Lock:
    """Return whether a maker could edit there, seen with a request that is refused as out of date whoever sends it."""
    if _may_deploy(connect, Access(access.environment, access.url)):
        return Lock(LockState.OPEN, "anybody can deploy there, without signing in", _LOCK_CURE)
    if maker is None:
        summary = "nobody can deploy without signing in; what makers may do is unknown, none's access is declared"
        return Lock(LockState.UNKNOWN, summary, "declare a maker's access for this environment")
    try:
        with connect(maker) as api:
            if api.may_deploy():
                return Lock(LockState.OPEN, "makers can deploy there", _LOCK_CURE)
            if api.may_change_modules():
                summary = f"makers cannot deploy, but can disable or install node modules; {_BEYOND}"
                return Lock(LockState.PARTIAL, summary, _LOCK_CURE)
            api.settings()  # tells a maker who may read from somebody who is not known at all
    except AccessError:
        summary = "the maker's access is not accepted there, so that what makers may do was not seen"
        return Lock(LockState.UNKNOWN, summary, "mend the maker's access of this environment")
    return Lock(LockState.LOCKED, f"makers can look and not deploy; {_BEYOND}")


def _may_deploy(connect: Connect, access: Access) -> bool:
    with connect(access) as api:
        return api.may_deploy()


def _try(read: Callable[[], object]) -> tuple[dict[str, object] | None, AccessError | None]:
    try:
        answer = read()
    except AccessError as error:
        return None, error
    return answer if isinstance(answer, dict) else None, None


def _lack(error: AccessError | None, scope: str, consequence: str) -> list[str]:
    return [f"{consequence}: {_SCOPE.format(scope)}"] if error else []


def _sees_credentials(api: Api) -> tuple[list[str], list[str]]:
    try:
        api.stored_fields("tab", "lampway-probe")
    except AccessError as error:
        return _lack(error, "credentials.read", "it cannot be seen which credentials are stored"), []
    except UnreachableError:
        raise
    except PlatformError:
        return [], ["the editor is switched off there, so it cannot be seen which credentials are stored"]
    return [], []
