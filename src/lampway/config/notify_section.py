"""Who is told what, and how: the part `notify` of lampway.yaml."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from lampway.config.document import Document, Path
from lampway.config.section import Name, Reference, Section, Unique, Url, choice, closest, fault
from lampway.config.spans import Span
from lampway.domain.notify import Channel, Notify, Route
from lampway.errors import Mistake


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise fault("must be a network", "write it as in: 10.0.0.0/8 or 192.168.1.20/32") from None


Network: TypeAlias = Annotated[str, AfterValidator(_network)]
RoutedKind: TypeAlias = Literal[
    "approval-needed",
    "decided",
    "voided",
    "expired",
    "deployed",
    "failed",
    "rolled-back",
    "reconcile",
    "drift",
    "lock-open",
    "unlocked",
    "sandbox",
]


class ChannelSection(Section):
    """A way out: a chat or a mailbox by way of Apprise, or a signed webhook."""

    apprise: Reference | None = None
    """Where the Apprise URL is to be found; it holds passwords, so it is never written here."""
    webhook: Url | None = None
    """Where a signed webhook goes; https, unless it stays in a network named under `allow`."""
    secret: Reference | None = None
    """What the webhook is signed with: whsec_ and at least 24 bytes in base64."""

    @model_validator(mode="after")
    def _is_one_way(self) -> ChannelSection:
        choice("a channel", ("apprise", self.apprise), ("webhook", self.webhook))
        if self.webhook is not None and self.secret is None:
            raise fault("a webhook needs a secret to be signed with", "add `secret`, as in: secret: env:HOOK_SECRET")
        if self.apprise is not None and self.secret is not None:
            raise fault("only a webhook is signed", "take out `secret`")
        return self

    def to_domain(self, name: str) -> Channel:
        """Return the channel."""
        return Channel(name, apprise=self.apprise or "", webhook=self.webhook or "", secret=self.secret or "")


class RouteSection(Section):
    """Which notices go through which channels. Whom a notice is for follows from what it is about."""

    through: Annotated[list[Name], Unique] = Field(min_length=1)
    """The channels; declared above."""
    kinds: Annotated[list[RoutedKind], Unique, Field(min_length=1)] | None = None
    """Which kinds of notice. Without this key: every one."""
    roles: Annotated[list[Name], Unique] = Field(default=[])
    """Only where somebody it is for holds one of these roles. Without roles and people: whoever it is for."""
    people: Annotated[list[Name], Unique] = Field(default=[])
    """Only where it is for one of these people."""
    digest: Span | None = None
    """What is of low risk is collected for so long and sent as one. Without this key: each by itself."""

    def to_domain(self) -> Route:
        """Return the route."""
        return Route(
            tuple(self.through),
            kinds=tuple(self.kinds or ()),
            roles=tuple(self.roles),
            people=tuple(self.people),
            digest=self.digest or 0.0,
        )


class NotifySection(Section):
    """Who is told what, and how."""

    channels: dict[Name, ChannelSection] = Field(min_length=1)
    """The ways out, by name."""
    send: list[RouteSection] = Field(min_length=1)
    """Which notices go through which of them."""
    url: Url | None = None
    """Where the screens are, for the link in every notice. Without this key: notices name the command to run."""
    on_call: Annotated[list[Name], Unique] = Field(default=[])
    """Roles that answer for operation. Without this key: on-call, else release-manager, else platform-admin."""
    allow: Annotated[list[Network], Unique] = Field(default=[])
    """Networks that are not public and that webhooks may reach all the same."""

    def to_domain(self) -> Notify:
        """Return it."""
        return Notify(
            channels=tuple(channel.to_domain(name) for name, channel in self.channels.items()),
            routes=tuple(route.to_domain() for route in self.send),
            url=self.url or "",
            on_call=tuple(self.on_call),
            allow=tuple(self.allow),
        )


def check_notify(strategy: Document, people: Document) -> Iterator[Mistake]:
    """Yield every name under `notify` that is declared nowhere, and channels that nothing goes through."""
    roles, persons = strategy.words("roles"), people.names("people")
    channels = strategy.names("notify", "channels")
    used = set()
    for route, _ in strategy.items("notify", "send"):
        used |= {name for _, name in strategy.items(*route, "through")}
        for key, kind, known in (
            ("through", "channel", channels),
            ("roles", "role", roles),
            ("people", "person", persons),
        ):
            yield from _known(strategy, (*route, key), kind, known)
    yield from _known(strategy, ("notify", "on_call"), "role", roles)
    for name in channels or ():
        if name not in used:
            message = f"nothing goes through the channel {name}"
            hint = f"add a route below `send`, as in: - {{through: [{name}]}}"
            yield strategy.mistake(("notify", "channels", name), message, hint, at_key=True)


def _known(strategy: Document, path: Path, kind: str, known: tuple[str, ...] | None) -> Iterator[Mistake]:
    for place, name in strategy.items(*path):
        if known is not None and isinstance(name, str) and name not in known:
            yield strategy.mistake(place, f"unknown {kind}: {name[:80]}", closest(name, known))
