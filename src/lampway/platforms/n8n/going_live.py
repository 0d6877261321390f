"""Wait until what n8n said yes to is so: it publishes a moment after its answer (2.41.1: up to 0.8 s).

It does so by a queue of its own, and within that moment it may tell that a version is live, let nobody answer, and let
it be live again (observed where a workflow was unpublished shortly before). So what is so must stay so for a few looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.plan import webhooks_of
from lampway.platforms.n8n.wire import published_of
from lampway.platforms.n8n.workflows import Workflow, name_of

Pause = Callable[[float], None]

_LIVE = 45.0  # seconds until a version must be live; a trigger that cannot connect is tried for ten
_AT_IT = 150.0  # seconds where n8n says it is at it; what it died over it takes up again after 120
_UNTOLD = 1.0  # seconds that are waited where nothing tells; the longest observed was 0.8
_IDLE = 2.0  # seconds after which a workflow without triggers of its own counts as published
_STEP, _LOOKS = 0.1, 4
_METHODS = ("PATCH", "DELETE", "PUT", "HEAD", "POST", "GET")
_WAIT = "not yet"
_BUSY = "in_progress"


def wait_until_live(
    api: Api, workflows: Mapping[str, Workflow], versions: Mapping[str, str], pause: Pause
) -> list[str]:
    """Wait until these versions of workflows run, and return what n8n says against any of them.

    With a sign-in n8n tells; with a key alone, webhooks are looked for, and a new version of what ran already is given
    a moment.
    """
    begun = api.clock()
    if versions and api.sign_in() is None:
        pause(_UNTOLD)
    looks = [partial(_live, api, workflows[id_], version, begun) for id_, version in versions.items()]
    return _until_calm(api, looks, pause)


def wait_until_quiet(api: Api, ended: Sequence[Workflow], pause: Pause) -> list[str]:
    """Wait until nobody answers the webhooks of these workflows any more, and return what still does."""
    return _until_calm(api, [partial(_quiet, api, workflow) for workflow in ended], pause)


def _until_calm(api: Api, looks: Sequence[Callable[[], str]], pause: Pause) -> list[str]:
    """Look until everything is well and stays so, until something is wrong, or for long enough."""
    begun = api.clock()
    calm = 0
    while calm < _LOOKS and looks:
        told = [look() for look in looks]
        wrong = [one for one in told if one and not one.startswith(_WAIT)]
        late = [one for one in told if one.startswith(_WAIT)]
        patience = _AT_IT if any(_BUSY in one for one in late) else _LIVE
        if wrong or (late and api.clock() > begun + patience):
            return wrong or [f"after {patience:.0f} seconds {one}" for one in late]
        calm = 0 if late else calm + 1
        pause(_STEP)
    return []


def _live(api: Api, workflow: Workflow, version: str, begun: float) -> str:
    """Return nothing where a version is live, else what is missing or wrong."""
    told = api.publication(workflow["id"])
    name = f"*{name_of(workflow)}*"
    addresses = list(_addresses(workflow))
    if told is not None and told.status in {"failed", "partial"} and told.version in {version, ""}:
        return f"{name} was published and does not run: {'; '.join(told.errors) or told.status}"
    if told is not None and told.status == _BUSY:
        return f"{_WAIT} live: {name} ({_BUSY})"
    silent = [f"{method} {path}" for method, path in addresses if not _answers(api, (method, path))]
    if silent:
        return f"{_WAIT} answered: {', '.join(silent)} of {name}"
    if told is None or (told.status == "published" and told.version == version):
        return ""
    if told.status == "not_published" and not addresses and api.clock() - begun > _IDLE:
        return ""  # it has no trigger of its own: others call it
    return f"{_WAIT} live: {name} ({told.status})"


def _quiet(api: Api, workflow: Workflow) -> str:
    told = api.publication(workflow["id"])
    if told is not None and told.status == _BUSY:
        return f"{_WAIT} quiet: *{name_of(workflow)}* ({_BUSY})"
    loud = [f"{method} {path}" for method, path in _addresses(workflow) if _answers(api, (method, path))]
    return f"{_WAIT} quiet: {', '.join(loud)}" if loud else ""


def _addresses(live: Workflow) -> Iterable[tuple[str, str]]:
    """Yield method and path of the webhooks of what runs of a workflow."""
    published = published_of(live)
    return webhooks_of(published) if published is not None else ()


def _answers(api: Api, address: tuple[str, str]) -> bool:
    unused = next(method for method in _METHODS if method != address[0])
    return api.answers_webhook(address[1], unused)
