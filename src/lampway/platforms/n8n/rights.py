"""See, without changing anything, what our key and a maker's account may do on an instance."""

from __future__ import annotations

from collections.abc import Callable

from lampway.engine.abilities import Lock, LockState
from lampway.engine.platform import Access, Rights
from lampway.errors import AccessError, PlatformError, PlatformRefusedError, UnreachableError
from lampway.platforms.n8n.api import Api, Json
from lampway.platforms.n8n.wire import REFUSED, pack_for_import

Connect = Callable[[Access], Api]

READING = ("workflow:list", "workflow:read")
DEPLOYING = ("workflow:import", "workflow:update", "workflow:activate", "workflow:deactivate", "workflow:delete")
BESIDE = ("credential:list", "execution:list", "execution:read")
SCOPES = (*READING, *DEPLOYING, *BESIDE)
"""What our key must be allowed, and no more."""

_WITHOUT = {
    **dict.fromkeys(READING, "workflows cannot be read"),
    **dict.fromkeys(DEPLOYING, "nothing can be deployed"),
    "credential:list": "it cannot be seen which credentials are there, and a missing one would be found by its users",
    "execution:list": "runs cannot be counted",
    "execution:read": "runs cannot be counted",
}
_SEEN = "it is not seen when a version is live, for n8n tells no key: Lampway waits a moment instead"
_LOCK_CURE = (
    "let the account of the pipeline own every workflow of this instance, and let its password and its keys be known to"
    " nobody else; give makers an account with the role member, or none"
)
_BEYOND = (
    "an account with the role member can still build and publish workflows of its own, which only a licence can forbid;"
    " what it builds is listed as belonging to no solution"
)


def probe_rights(connect: Connect, access: Access) -> Rights:
    """Return what our credentials may do there. Raises AccessError when they are good for nothing at all."""
    with connect(access) as api:
        scopes = api.scopes()
        lacking = [scope for scope in SCOPES if scope not in scopes]
        missing = _told(lacking)
        can_read = not set(lacking) & set(READING)
        can_deploy = can_read and not set(lacking) & set(DEPLOYING)
        refusal = _import_refusal(api) if "workflow:import" in scopes else ""
        if refusal:
            missing.append(f"workflows cannot be created: {refusal}")
        signed_in = api.sign_in()
        version = _version(api) if signed_in is not None else ""
    unheard = (
        "n8n takes no more sign-ins for a minute" if api.is_held_off else "no user and password were given as well"
    )
    notes = () if signed_in is not None else (f"{unheard}: {_SEEN}",)
    return Rights(
        product=f"n8n {version}".strip(),
        can_read=can_read,
        can_deploy=can_deploy and not refusal,
        user=" ".join(str((signed_in or {}).get(part) or "") for part in ("firstName", "lastName")).strip(),
        missing=tuple(missing),
        notes=notes,
    )


def _told(lacking: list[str]) -> list[str]:
    """Return what is not possible, with the scopes that would mend it; each consequence once."""
    groups: dict[str, list[str]] = {}
    for scope in lacking:
        groups.setdefault(_WITHOUT[scope], []).append(scope)
    return [
        f"{what}: give our API key the scope{'s' if len(scopes) > 1 else ''} {', '.join(scopes)} (Settings, n8n API)"
        for what, scopes in groups.items()
    ]


def _import_refusal(api: Api) -> str:
    """Return why n8n imports no packages at all; empty where it would."""
    node = {"id": REFUSED, "name": "Start", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1}
    node |= {"position": [0, 0], "parameters": {}}
    body = {"id": REFUSED, "name": REFUSED, "nodes": [node], "connections": {}, "settings": {}}
    try:
        api.objections(pack_for_import([body], refused=True))
    except UnreachableError:
        raise
    except (AccessError, PlatformRefusedError) as error:
        return error.message
    return ""


def _version(api: Api) -> str:
    told = api.session("/settings").get("data")
    return str(told.get("versionCli") or "") if isinstance(told, dict) else ""


def watch_lock(connect: Connect, maker: Access | None) -> Lock:
    """Return whether a maker could edit what is deployed there; seen with the maker's own account."""
    if maker is None or not {"user", "password"} <= maker.credentials.keys():
        summary = "what makers may do is unknown: no account of one is declared"
        return Lock(LockState.UNKNOWN, summary, "declare a maker's user and password for this environment")
    try:
        with connect(maker) as api:
            known = api.sign_in()
            listed = api.session("/workflows?includeScopes=true").get("data")
    except AccessError:
        summary = "the maker's account is not accepted there, so that what makers may do was not seen"
        return Lock(LockState.UNKNOWN, summary, "mend the maker's access of this environment")
    except UnreachableError:
        raise
    except PlatformError as error:
        return Lock(LockState.UNKNOWN, f"what makers may do was not seen: {error.message}")
    if known is None:
        message = "takes no more sign-ins of the maker's account"
        raise UnreachableError(message, where=maker.environment, hint="try again in a minute")
    if "workflow:update" in (known.get("globalScopes") or ()):
        role = str(known.get("role") or "no role")
        return Lock(LockState.OPEN, f"the maker's account may edit every workflow there ({role})", _LOCK_CURE)
    if any(_may_edit(one, str(known.get("id"))) for one in listed or () if isinstance(one, dict)):
        return Lock(LockState.OPEN, "the maker's account may edit workflows of others there", _LOCK_CURE)
    return Lock(LockState.PARTIAL, f"makers cannot edit what others own; {_BEYOND}", _LOCK_CURE)


def _may_edit(workflow: Json, own_id: str) -> bool:
    """Return whether the maker may edit a workflow that somebody else owns."""
    home = workflow.get("homeProject")
    is_own = isinstance(home, dict) and home.get("type") == "personal" and home.get("creatorId") == own_id
    return "workflow:update" in (workflow.get("scopes") or ()) and not is_own
