"""Bringing notices out: through Apprise, which knows a hundred services, or as a signed webhook."""

from __future__ import annotations

import logging
import warnings
from datetime import datetime

from lampway.domain.secret import Secret
from lampway.engine.ports import Message, Way
from lampway.errors import DeliveryError


class ChannelCourier:
    """Implements the courier port. What it needs is imported when something is sent."""

    def send(self, way: Way, message: Message, at: datetime) -> None:
        """Hand one message over. Raises DeliveryError."""
        if way.apprise is not None:
            _through_apprise(way.apprise, message)
            return
        from lampway.integrations.webhooks import post

        post(way.webhook, way.secret, message, at, allow=way.allow)


def _through_apprise(address: Secret, message: Message) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of plug-ins that nobody here uses
        try:
            import apprise
        except ImportError:
            raise DeliveryError("Apprise is not installed", hint="pip install 'lampway[notify]'") from None
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses, and those hold passwords
        out = apprise.Apprise()
        if not out.add(address.reveal()):
            raise DeliveryError("no address that Apprise understands", hint="https://github.com/caronc/apprise/wiki")
        text = f"{message.text}\n({message.id})"
        try:
            arrived = out.notify(body=text, title=message.title, body_format=apprise.NotifyFormat.TEXT)
        except Exception as error:  # noqa: BLE001 - a hundred plug-ins, and their errors name addresses
            raise DeliveryError(f"Apprise failed: {type(error).__name__}") from None
    if not arrived:
        raise DeliveryError("the service did not take it; Apprise tells no more")
