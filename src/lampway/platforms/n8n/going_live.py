"""Wait until what n8n said yes to is so: it publishes a moment after its answer (2.41.1: up to 0.8 s)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.plan import webhooks_of
from lampway.platforms.n8n.wire import published_of
from lampway.platforms.n8n.workflows import Workflow, name_of

Pause = Callable[[float], None]

_LIVE = 20.0  # seconds until a version that was published must be live
_UNTOLD = 1.0  # seconds that are waited where nothing tells; the longest observed was 0.8
_IDLE = 2.0  # seconds after which a workflow without triggers of its own counts as published
_METHODS = ("PATCH", "DELETE", "PUT", "HEAD", "POST", "GET")
_STEP = 0.05


def wait_until_live(
    api: Api, workflows: Mapping[str, Workflow], versions: Mapping[str, str], pause: Pause
) -> list[str]:
    """Wait until these versions of workflows run, and return what n8n says against any of them.

    With a sign-in n8n tells; with a key alone, webhooks that nobody answered before are looked for, and a new version
    of what ran already is given a moment.
    """
    if not versions:
        return []
    if api.sign_in() is not None:
        return [fault for id_, version in versions.items() if (fault := _told(api, workflows[id_], version, pause))]
    end = time.monotonic() + _LIVE
    silent = [w for id_ in versions for w in _addresses(workflows[id_])]
    pause(_UNTOLD)
    while silent and time.monotonic() < end:
        silent = [address for address in silent if not _answers(api, address)]
        if silent:
            pause(_STEP)
    return [f"nobody answers {method} {path} after {_LIVE:.0f} seconds" for method, path in silent]


def _told(api: Api, workflow: Workflow, version: str, pause: Pause) -> str:
    begun = time.monotonic()
    while True:
        told = api.publication(workflow["id"])
        waited = time.monotonic() - begun
        if told is None or (told.status == "published" and told.version == version and _all_answer(api, workflow)):
            return ""
        if told.status in {"failed", "partial"} and told.version in {version, ""}:
            return f"*{name_of(workflow)}* was published and does not run: {'; '.join(told.errors) or told.status}"
        if told.status == "not_published" and waited > _IDLE and not list(_addresses(workflow)):
            return ""  # it has no trigger of its own: others call it
        if waited > _LIVE:
            return f"*{name_of(workflow)}* was published and is not live after {_LIVE:.0f} seconds: {told.status}"
        pause(_STEP)


def wait_until_quiet(api: Api, addresses: Sequence[tuple[str, str]], pause: Pause) -> list[str]:
    """Wait until nobody answers these webhooks any more, and return what still does."""
    end = time.monotonic() + _LIVE
    loud = list(addresses)
    while loud and time.monotonic() < end:
        loud = [address for address in loud if _answers(api, address)]
        if loud:
            pause(_STEP)
    return [f"{method} {path} is still answered" for method, path in loud]


def addresses_of(live: Workflow) -> list[tuple[str, str]]:
    """Return method and path of the webhooks of what runs of a workflow."""
    return _addresses(live)


def _addresses(live: Workflow) -> list[tuple[str, str]]:
    published = published_of(live)
    return list(webhooks_of(published)) if published is not None else []


def _all_answer(api: Api, workflow: Workflow) -> bool:
    """Return whether every webhook of it is answered, which may come a moment after n8n's word."""
    return all(_answers(api, address) for address in _addresses(workflow))


def _answers(api: Api, address: tuple[str, str]) -> bool:
    unused = next(method for method in _METHODS if method != address[0])
    return api.answers_webhook(address[1], unused)
