"""The model of `solutions/<solution>/solution.yaml`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from lampway.config.duty_rules import DataClass
from lampway.config.gate_rules import CheckKind
from lampway.config.section import MayBeEmpty, Name, Section, Text, Unique, Url, choice, fault, reference_hint
from lampway.config.spans import Span
from lampway.domain.dependencies import parse_numbers
from lampway.domain.secret import is_reference
from lampway.domain.strategy import Check, Solution

_CREDENTIAL_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "api-key", "x-api-key", "x-auth-token", "x-access-token"}
)


def _version(text: str) -> str:
    if parse_numbers(text) is None:
        raise fault("must be a version", "write one to four numbers with dots in between, such as 1.4.0")
    return text


Version = Annotated[
    str, AfterValidator(_version), Field(json_schema_extra={"pattern": r"^[0-9]{1,9}(\.[0-9]{1,9}){0,3}$"})
]
"""The lowest version that will do."""


class ExpectSection(Section):
    """What a good answer looks like."""

    status: int = Field(default=200, ge=100, le=599)
    """The HTTP status."""
    body: Any = Field(default=None, alias="json")
    """JSON that the answer must hold."""
    contains: Text | None = None
    """Text that the answer must hold."""
    headers: Annotated[dict[Text, Text], MayBeEmpty] = Field(default={})
    """Headers that the answer must have, each with text that it must hold."""
    max_ms: int | None = Field(default=None, ge=1, le=3_600_000)
    """Milliseconds after which an answer comes too late."""

    def to_domain(self) -> dict[str, Any]:
        """Return what was asked for."""
        return {
            "status": self.status,
            **({"json": self.body} if "body" in self.model_fields_set else {}),
            **({"contains": self.contains} if self.contains else {}),
            **({"headers": dict(self.headers)} if self.headers else {}),
            **({"max_ms": self.max_ms} if self.max_ms else {}),
        }


class HttpSection(Section):
    """A request to what runs in the environment, and the answer that proves it works."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    """The HTTP method."""
    path: Text | None = None
    """Where to ask, beginning with a slash, below the environment's public address."""
    url: Url | None = None
    """A whole address, for what does not lie below the environment's own."""
    headers: Annotated[dict[Text, str], MayBeEmpty] = Field(default={})
    """Headers to send; credentials only as references to secrets."""
    body: Any = Field(default=None, alias="json")
    """JSON to send."""
    expect: Annotated[ExpectSection, MayBeEmpty] = ExpectSection()
    """What a good answer looks like. Without this key: status 200."""

    @field_validator("path")
    @classmethod
    def _begins_with_slash(cls, path: str | None) -> str | None:
        if path is not None and (not path.startswith("/") or path.startswith("//")):
            raise fault("must begin with one slash", "write it as in: /orders/health")
        return path

    @field_validator("headers")
    @classmethod
    def _keeps_credentials_out(cls, headers: dict[str, str]) -> dict[str, str]:
        for name, value in headers.items():
            if name.lower() in _CREDENTIAL_HEADERS and not is_reference(value):
                raise fault(f"the header {name} must be given by reference, not by its value", reference_hint())
        return headers

    @model_validator(mode="after")
    def _has_one_address(self) -> HttpSection:
        choice("http", ("path", self.path), ("url", self.url))
        return self

    def to_domain(self) -> dict[str, Any]:
        """Return the request and what is expected; only what was given."""
        return {
            "method": self.method,
            **({"path": self.path} if self.path else {"url": self.url}),
            **({"headers": dict(self.headers)} if self.headers else {}),
            **({"json": self.body} if "body" in self.model_fields_set else {}),
            "expect": self.expect.to_domain(),
        }


class CheckSection(Section):
    """Something that proves that a release works: by itself, or by what a tester attests."""

    name: Name
    """What people call the check."""
    kind: CheckKind
    """What it proves: functional, integration, security or uat."""
    timeout: float = Field(default=30.0, gt=0, le=3600)
    """Seconds after which it counts as not passed."""
    http: HttpSection | None = None
    """Ask over HTTP."""
    command: Annotated[list[Text], Field(min_length=1)] | None = None
    """Run a program: its name and arguments, as a list; exit code 0 means passed."""
    report: Text | None = None
    """The report that the program writes, below its folder: JUnit XML (.xml) or SARIF (.sarif, .json)."""
    fail_on: Literal["error", "warning"] | None = None
    """The lowest level of a SARIF result that fails the check. Without this key: error."""
    platform: Literal["smoke"] | None = None
    """Let the platform itself try what is installed, where it can."""
    attested: bool = False
    """Whether a tester says what came of it: `lampway check attest`. For checks of kind uat."""
    max_age: Span | None = None
    """How old its evidence may be, as in 24h or 7d. Without this key: it never grows old."""
    signed: bool = False
    """Whether only what a tester signed with their own key counts. For checks that are attested."""

    @field_validator("report")
    @classmethod
    def _stays_inside(cls, report: str | None) -> str | None:
        if report is None:
            return None
        parts = report.split("/")
        if "\\" in report or "\0" in report or any(part in ("", ".", "..") for part in parts):
            raise fault("must be a path below the folder of the check", "write it as in: results/junit.xml")
        if not report.lower().endswith((".xml", ".sarif", ".json")):
            raise fault("must end in .xml (JUnit), .sarif or .json (SARIF)", "write it as in: junit.xml")
        return report

    @model_validator(mode="after")
    def _is_one_thing(self) -> CheckSection:
        if self.attested:
            self._is_only_attested()
        elif self.platform is not None:
            if self.http is not None or self.command is not None:
                raise fault("a check takes either http, command or platform, not several", "keep one of them")
        else:
            choice("a check", ("http", self.http), ("command", self.command))
        if self.signed and not self.attested:
            raise fault("only what people attest is signed by a tester", "add `attested: true`, or take out `signed`")
        self._has_fitting_report()
        return self

    def _is_only_attested(self) -> None:
        if self.http is not None or self.command is not None or self.platform is not None:
            raise fault("what people attest is not run", "take out `attested`, or what it runs")
        if self.kind != "uat":
            raise fault("only checks of kind uat are attested", "write `kind: uat`, or let it run something")

    def _has_fitting_report(self) -> None:
        if self.report is not None and self.command is None:
            raise fault("only a command writes a report", "take out `report`")
        if self.fail_on is not None and (self.report is None or self.report.lower().endswith(".xml")):
            raise fault("fail_on belongs to a SARIF report", "add `report: results.sarif`, or take out `fail_on`")

    def to_domain(self) -> Check:
        """Return the check."""
        return Check(
            name=self.name,
            kind=self.kind,
            timeout=float(self.timeout),
            http=self.http.to_domain() if self.http else {},
            command=tuple(self.command or ()),
            report=self.report or "",
            fail_on=self.fail_on or "",
            platform=self.platform or "",
            attested=self.attested,
            max_age=self.max_age or 0.0,
            signed=self.signed,
        )


class SolutionFile(Section):
    """What makers build and version, as its owner declares it."""

    pipeline: Name
    """The path that its releases follow; declared in lampway.yaml."""
    owner: Name
    """Who answers for it; an id in people.yaml."""
    contains: Annotated[list[Text], Unique] = Field(min_length=1)
    """The tabs, workflows or apps that belong to it, by name or id."""
    criticality: Literal["low", "medium", "high"] = "medium"
    """How bad it is when it fails: low, medium or high."""
    rollback_plan: str = ""
    """In words: what a rollback does not bring back, and who must be told."""
    constants: Annotated[list[Text], Unique] = Field(default=[])
    """Names of values that stay in the package because they are the same in every environment."""
    connections: Annotated[dict[Text, Annotated[list[Text], Unique, Field(min_length=1)]], MayBeEmpty] = Field(
        default={}
    )
    """Connections with their secret fields, where the platform does not tell."""
    checks: list[CheckSection] = Field(default=[])
    """What proves that a release works; required by the gate `checks`."""
    backup_owner: Name | None = None
    """Who answers for it in the owner's place; an id in people.yaml. Without this key: nobody."""
    data_class: DataClass | None = None
    """How sensitive the data is that it handles: public, internal, confidential or restricted."""
    depends_on: Annotated[dict[Name, Version], MayBeEmpty] = Field(default={})
    """Other solutions that must run where this one runs, each with the lowest version that will do."""

    def to_domain(self, name: str) -> Solution:
        """Return the solution."""
        return Solution(
            name=name,
            pipeline=self.pipeline,
            owner=self.owner,
            contains=tuple(self.contains),
            criticality=self.criticality,
            rollback_plan=self.rollback_plan,
            constants=tuple(self.constants),
            connections={connection: tuple(fields) for connection, fields in self.connections.items()},
            checks=tuple(check.to_domain() for check in self.checks),
            backup_owner=self.backup_owner or "",
            data_class=self.data_class or "",
            depends_on=dict(self.depends_on),
        )
