"""The emulator: a tenant with environments, each at an address of its own on this machine."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from lampway.testing.dataverse import backdoor, webapi
from lampway.testing.dataverse.admin import AUDIENCES, Administration, environment_id
from lampway.testing.dataverse.exchange import Entry, Request, Response
from lampway.testing.dataverse.faults import Faults
from lampway.testing.dataverse.keeping import kept_secret, load_state, save_state
from lampway.testing.dataverse.maker import Maker
from lampway.testing.dataverse.organisation import ADMINISTRATOR, Organisation, fresh_state
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.server import Answer, Listener, Site
from lampway.testing.dataverse.state import stable_id
from lampway.testing.dataverse.tls import make_certificate, server_context
from lampway.testing.dataverse.tokens import Application, Tenant

ENVIRONMENTS = ("dev", "test", "prod")


class Environment:
    """One environment of the emulator."""

    def __init__(self, organisation: Organisation, log: list[Entry]) -> None:
        self.organisation = organisation
        self.maker = Maker(organisation)
        self._log = log

    @property
    def name(self) -> str:
        """Its name."""
        return self.organisation.name

    @property
    def id(self) -> str:
        """Its id where environments are administered."""
        return environment_id(self.organisation)

    @property
    def url(self) -> str:
        """Where its Web API is, without the path."""
        return self.organisation.url

    @property
    def faults(self) -> Faults:
        """What is to go wrong here."""
        return self.organisation.faults

    @property
    def requests(self) -> list[Entry]:
        """What was asked of it so far."""
        return [entry for entry in self._log if entry.place == self.name]


class DataverseEmulator:
    """A tenant with environments. Use it in a `with` block, or call `start` and `stop`."""

    def __init__(
        self,
        environments: Sequence[str] = ENVIRONMENTS,
        *,
        port: int = 0,
        tls: bool = False,
        polls: int = 3,
        seconds_per_step: float = 1.0,
        folder: Path | None = None,
    ) -> None:
        self._keep = folder
        self.tenant_id = stable_id("tenant")
        self.client_id = stable_id("client")
        self.client_secret = kept_secret(folder) if folder else "emulated-" + secrets.token_urlsafe(12)
        self.requests: list[Entry] = []
        """Everything that was asked of any of its addresses."""
        self.faults = Faults()
        """What is to go wrong at the token endpoint and the admin APIs."""
        self.tenant = Tenant(self.tenant_id)
        self.tenant.applications[self.client_id] = Application(self.client_id, self.client_secret)
        self.authority = ""
        """Where tokens are had, and where the admin APIs are; known once it listens."""
        self._port = port
        self._folder = tempfile.TemporaryDirectory(prefix="dataverse-emulator-") if tls else None
        self._environments: dict[str, Environment] = {}
        self._listeners: list[Listener] = []
        for name in environments:
            self._add(name, polls=polls, seconds=seconds_per_step)
        places = {one.id: one.organisation for one in self.environments}
        self.administration = Administration(self.tenant, places, polls=polls)
        """The admin APIs."""

    def _add(self, name: str, *, polls: int, seconds: float) -> None:
        kept = load_state(self._keep, name) if self._keep else None
        organisation = Organisation(name, kept or fresh_state(name), polls=polls, seconds=seconds)
        if kept is None:
            organisation.add_user("Release application", ADMINISTRATOR, application=self.client_id)
        self._environments[name] = Environment(organisation, self.requests)

    @property
    def token_url(self) -> str:
        """Where tokens are had."""
        return f"{self.authority}/{self.tenant_id}/oauth2/v2.0/token"

    @property
    def ca_file(self) -> Path:
        """The certificate that clients must trust when TLS is spoken."""
        if self._folder is None:
            raise ValueError("this emulator does not speak TLS")
        return Path(self._folder.name) / "emulator-ca.pem"

    def environment(self, name: str) -> Environment:
        """Return an environment by its name."""
        return self._environments[name]

    @property
    def environments(self) -> tuple[Environment, ...]:
        """All environments."""
        return tuple(self._environments.values())

    def token(self, environment: Environment | None = None) -> str:
        """Return a token of the release application: for an environment, or for the admin APIs."""
        audience = environment.url if environment else AUDIENCES[0]
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "scope": f"{audience}/.default",
        }
        return str(self.tenant.issue(urlencode(form).encode(), endpoint=self.token_url)["access_token"])

    def add_application(
        self, client_id: str, *, secret: str = "", certificate: str = "", roles: Sequence[str] = ()
    ) -> None:
        """Let another application sign in; with roles, it is a user in every environment."""
        certificates = [certificate] if certificate else []
        self.tenant.applications[client_id] = Application(client_id, secret, certificates, admin=False)
        for environment in self.environments:
            if roles:
                environment.organisation.add_user(client_id, *roles, application=client_id)

    def start(self) -> DataverseEmulator:
        """Listen on this machine. Raises OSError where a port is taken."""
        try:
            self._listen()
        except OSError:
            self._hang_up()
            raise
        for listener in self._listeners:
            listener.start()
        return self

    def _listen(self) -> None:
        context = self._context()
        tenant = Site("tenant", self._answer_tenant, self.faults, self.requests)
        self._listeners.append(Listener(tenant, port=self._port, tls=context))
        self.authority = self._listeners[0].url
        for number, environment in enumerate(self.environments, 1):
            site = Site(environment.name, self._answering(environment), environment.faults, self.requests)
            site.forget = self.tenant.forget
            self._listeners.append(Listener(site, port=self._port and self._port + number, tls=context))
            environment.organisation.url = self._listeners[-1].url

    def _hang_up(self) -> None:
        for listener in self._listeners:
            listener.stop()
        self._listeners = []

    def _context(self) -> ssl.SSLContext | None:
        return server_context(make_certificate(Path(self._folder.name))) if self._folder else None

    def stop(self) -> None:
        """Listen no longer, and keep what is there."""
        self._hang_up()
        for environment in self.environments:
            self._save(environment.organisation, always=True)
        if self._folder:
            self._folder.cleanup()

    def _save(self, organisation: Organisation, *, always: bool = False) -> None:
        with organisation.lock:
            if self._keep and (organisation.changed or always):
                save_state(self._keep, organisation)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answering(self, environment: Environment) -> Answer:
        organisation = environment.organisation

        def answer(request: Request) -> tuple[Response, str]:
            if request.path == "/maker" or request.path.startswith("/maker/"):
                return backdoor.answer(organisation, environment.maker, self.requests, request), "maker"
            client = self.tenant.client_of(request.headers.get("authorization", ""), (organisation.url,))
            organisation.changed |= request.method != "GET"
            return webapi.answer(organisation, request, _user_of(organisation, client)), client

        def answer_and_keep(request: Request) -> tuple[Response, str]:
            try:
                return answer(request)
            finally:
                self._save(organisation)

        return answer_and_keep

    def _answer_tenant(self, request: Request) -> tuple[Response, str]:
        if request.path.endswith("/oauth2/v2.0/token") and request.method == "POST":
            return Response(200, self.tenant.issue(request.body, endpoint=self.token_url)), ""
        return self.administration.answer(request)


def _user_of(organisation: Organisation, client: str) -> str:
    """Return the user that an application is in an environment. Raises RefusedError where it is none."""
    user = next((one for one in organisation.state.users.values() if one.application == client), None)
    if user is None or user.disabled:
        raise RefusedError(403, "0x80072560", "The user is not a member of the organization.")
    return user.id
