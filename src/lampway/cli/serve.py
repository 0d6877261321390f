"""Commands for teams: serve the API, log in to it, issue tokens."""

from __future__ import annotations

import os
import secrets
import sys
from typing import Annotated

from cyclopts import Parameter

from lampway.app import Login, clean_url, config_folder, find_root, forget_login, keep_login
from lampway.cli.output import emit, note, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session, today, working_folder
from lampway.domain.digest import digest_bytes
from lampway.domain.moments import later
from lampway.domain.tokens import token_text
from lampway.engine.tokens import IssueToken, RevokeToken, ShowTokens
from lampway.errors import UsageError

_LASTING = 90 * 86400.0
"""Seconds that a token lasts where nobody says."""


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8420,
    worker: bool = True,
    oidc_issuer: Annotated[str, Parameter(env_var="LAMPWAY_OIDC_ISSUER")] = "",
    oidc_client: Annotated[str, Parameter(env_var="LAMPWAY_OIDC_CLIENT")] = "",
    oidc_secret: Annotated[str, Parameter(env_var="LAMPWAY_OIDC_SECRET")] = "",
    oidc_scope: Annotated[str, Parameter(env_var="LAMPWAY_OIDC_SCOPE")] = "",
) -> int:
    """Serve the API for this repository, with a worker in the same process, until asked to end.

    Parameters
    ----------
    host
        Address to listen on. For other machines, put a proxy that speaks TLS in front.
    port
        Port to listen on; 0 for any that is free.
    worker
        Also carry out what may start; --no-worker where workers run elsewhere.
    oidc_issuer
        Where people sign in, as an OpenID provider writes itself; else LAMPWAY_OIDC_ISSUER.
    oidc_client
        As which client this server is known there; else LAMPWAY_OIDC_CLIENT.
    oidc_secret
        A reference to the client's secret, such as env:NAME or file:PATH; else LAMPWAY_OIDC_SECRET. Never the secret.
    oidc_scope
        What to ask for beside *openid email*, where the provider tells groups for it alone; else LAMPWAY_OIDC_SCOPE.
    """
    if not 0 <= port < 65536:
        raise UsageError(f"not a port: {port}", hint="from 1 to 65535, or 0 for any that is free")
    from lampway.web.server import read_provider, run

    provider = read_provider(oidc_issuer, oidc_client, oidc_secret, oidc_scope)
    root = find_root(working_folder())
    return run(root, host=host, port=port, works=worker, say=lambda text: note(f"lampway: {text}"), provider=provider)


def console() -> int:
    """Print a link that signs you in to the console, once, where the server of this repository runs."""
    from lampway.web.server import sign_in_link

    say(sign_in_link(find_root(working_folder())))
    return 0


def login(url: str, /) -> int:
    """Let commands talk to a server instead of this machine's own state. The token is read from standard input.

    Parameters
    ----------
    url
        As in https://lampway.example.com.
    """
    import getpass

    from lampway.app.remote import ask_me

    server = clean_url(url)
    token = os.environ.get("LAMPWAY_TOKEN", "")
    if not token:
        token = getpass.getpass("token: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not token.strip():
        raise UsageError("no token given", hint="on the server: lampway token create NAME")
    me = ask_me(server, token.strip())
    keep_login(config_folder(), Login(server, token.strip()))
    say(f"logged in to {server} as {me['name'] or me['person']}, to {', '.join(me['scopes'])}")
    return 0


def logout() -> int:
    """Forget the server and the token: commands work on this machine's own state again."""
    url = forget_login(config_folder())
    say(f"logged out of {url}" if url else "not logged in anywhere")
    return 0


def token_create(
    name: str,
    /,
    *,
    scope: Annotated[tuple[str, ...], Parameter(name="--scope", negative="")] = ("read", "act"),
    until: str = "",
    person: str = "",
) -> int:
    """Make a token and print it once. Whoever shows it acts as you.

    Parameters
    ----------
    name
        What it is for, such as 'my laptop'.
    scope
        read, act (ask for changes) or decide (approve, waive, answer, delegate); may be given several times.
    until
        Last day on which it counts; ninety days from now if left out.
    person
        Whom it is for, where you manage the platform.
    """
    secret = secrets.token_urlsafe(32)
    with session() as opened:
        asked = IssueToken(
            name=name,
            digest=digest_bytes(secret.encode()),
            until=until or later(f"{today()}T00:00:00+00:00", _LASTING)[:10],
            scopes=scope,
            person=person,
        )
        token = opened.run(asked)
    note(f"token {token.id} of {token.person}, to {', '.join(token.scopes)}, until {when(token.until)}; shown once:")
    say(token_text(token.id, secret))
    return 0


def token_list(*, everything: Annotated[bool, Parameter(name="--all", negative="")] = False, json: Json = False) -> int:
    """Show tokens: yours, or everybody's where you manage the platform.

    Parameters
    ----------
    everything
        Also those that count no more.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowTokens(everything=everything))
    if json:
        emit(found)
        return 0
    rows = [
        [
            t.id,
            t.person,
            t.name,
            ", ".join(t.scopes),
            f"revoked {when(t.revoked_at)}" if t.revoked_at else when(t.until),
        ]
        for t in found
    ]
    if rows:
        table(rows, ["id", "person", "for", "to", "until"])
    else:
        say("no tokens: lampway token create NAME")
    return 0


def token_revoke(token: str, /, *, reason: str = "") -> int:
    """Let a token count no more, from now on.

    Parameters
    ----------
    token
        Its id, as in `lampway token list`.
    reason
        Why, for the record.
    """
    with session() as opened:
        gone = opened.run(RevokeToken(token=token, reason=reason))
    say(f"token {gone.name} of {gone.person} counts no more")
    return 0
