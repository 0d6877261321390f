"""What a change of the strategy changes about what Lampway tells and does by itself, in words."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.health import WatchRule
from lampway.domain.notify import Channel, Notify, Route
from lampway.domain.spans import span_in_words

_NOTHING = Notify((), ())


def notify_changes(old: Notify | None, new: Notify | None) -> Iterator[tuple[str, str]]:
    """Yield place and words of every difference. References to secrets are shown, for they are no secrets."""
    before, after = old or _NOTHING, new or _NOTHING
    was, now = ({c.name: c for c in notify.channels} for notify in (before, after))
    for name in [*now, *(name for name in was if name not in now)]:
        if was.get(name) != now.get(name):
            yield f"channel {name}", _words(was.get(name), now.get(name))
    told, tell = ([_route(r) for r in notify.routes] for notify in (before, after))
    yield from (("notices", f"no longer sent: {words}") for words in told if words not in tell)
    yield from (("notices", f"sent: {words}") for words in tell if words not in told)
    if sorted(told) == sorted(tell) and told != tell:
        yield "notices", "order of what is sent changed"
    if before.url != after.url:
        yield "notices", f"link to: {before.url or 'nothing'} → {after.url or 'nothing'}"
    for label, one, two in (("on call", before.on_call, after.on_call), ("may reach", before.allow, after.allow)):
        if one != two:
            yield "notices", f"{label}: {', '.join(one) or 'as usual'} → {', '.join(two) or 'as usual'}"


def _words(old: Channel | None, new: Channel | None) -> str:
    if new is None:
        return "removed"
    what = new.webhook or f"Apprise by {new.apprise}"
    return f"{'added' if old is None else 'changed'}: {what}" + (f", signed by {new.secret}" if new.secret else "")


def _route(route: Route) -> str:
    who = ", ".join((*route.roles, *route.people)) or "whoever it is for"
    collected = f", low risk collected for {span_in_words(route.digest)}" if route.digest else ""
    return f"{', '.join(route.kinds) or 'everything'} to {who} through {', '.join(route.through)}{collected}"


def watch_changes(place: str, old: WatchRule | None, new: WatchRule | None) -> Iterator[tuple[str, str]]:
    """Yield what changes about the time after a deployment."""
    before, after = (_watch(rule) if rule else "nothing" for rule in (old, new))
    if before != after:
        yield place, f"after a deployment: {before} → {after}"
    elif old != new:
        yield place, "after a deployment: what is asked is asked in another way"


def _watch(rule: WatchRule) -> str:
    then = "falls back by itself" if rule.then == "rollback" else "stops"
    if not rule.length:
        return f"{then} when verification fails"
    counted = [] if rule.failed_executions is None else [f"at most {rule.failed_executions} failed executions"]
    looks = ", ".join([*rule.checks, *(probe.name for probe in rule.probes), *counted])
    length, every = span_in_words(rule.length), span_in_words(rule.every)
    when = f"after {rule.failures} bad looks or a failed verification"
    return f"watched for {length}, every {every}, by {looks}; {then} {when}"
