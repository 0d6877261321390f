"""The model of `environments/<environment>.yaml`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from lampway.config.section import MayBeEmpty, Name, Reference, Section, Text, Url, fault
from lampway.config.spans import Span
from lampway.domain.configuration import BOUND, EXTERNAL
from lampway.domain.secret import is_reference
from lampway.domain.strategy import LONGEST_WAIT, DataSet, Environment, Values

_BOUND = r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}"
_DIGEST = "sha256:[0-9a-f]{64}"

DataKind: TypeAlias = Literal["masked", "synthetic", "production", "none"]
"""What data an environment may hold."""


def _variable(value: Any) -> Any:
    if value is None:
        raise fault("variable has no value", 'write "" where empty text is meant')
    if isinstance(value, dict) and set(value) == set(EXTERNAL) and value != EXTERNAL:
        raise fault("external can only be true", "write {external: true}, or give the value itself")
    return value


Variable: TypeAlias = Annotated[
    Any,
    AfterValidator(_variable),
    WithJsonSchema(
        {
            "type": ["string", "number", "boolean", "array", "object"],
            "description": "Text, a number, true or false, a list or a mapping; `{external: true}` where the "
            "platform's own surroundings provide the value.",
        }
    ),
]
Variables: TypeAlias = Annotated[dict[Text, Variable], MayBeEmpty]


def _bound(text: str) -> str:
    if not (is_reference(text) or re.fullmatch(_BOUND, text, re.ASCII)):
        raise fault("must be the id of a connection", "copy it from the address of the connection's page there")
    return text


def _some(value: Any) -> Any:
    if value == {}:
        raise fault("must not be empty", "give at least one, or take the key out")
    return value


class ConnectionSection(Section):
    """What one connection gets: fields as the solution names them, each one a reference to a secret."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"minProperties": 1})
    __pydantic_extra__: dict[str, Reference] = Field(init=False)

    connection: Annotated[str, AfterValidator(_bound)] | None = None
    """Which connection that is there already; its id is no secret, and the only field that may stand here in clear."""

    def to_domain(self) -> dict[str, str]:
        """Return field to secret reference, and the id of a connection."""
        return {**({BOUND: self.connection} if self.connection else {}), **self.__pydantic_extra__}


Connections: TypeAlias = Annotated[dict[Text, Annotated[ConnectionSection, BeforeValidator(_some)]], MayBeEmpty]


class AccessSection(Section):
    """How to sign in: fields as the platform names them, such as token, or user and password."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Reference] = Field(init=False)

    user: Text | None = None
    """The user's name; the only field that may stand here in clear."""

    def to_domain(self) -> dict[str, str]:
        """Return field to secret reference, and the user's name."""
        return {**({"user": self.user} if self.user else {}), **self.__pydantic_extra__}


class ValuesSection(Section):
    """What one solution gets in this environment; wins over what every solution gets."""

    variables: Variables = Field(default={})
    """Values by the name that the solution reads them by."""
    connections: Connections = Field(default={})
    """Credentials by connection and field; each one a reference to a secret, such as env:ERP_PASSWORD."""

    def to_domain(self) -> Values:
        """Return the values."""
        return Values(dict(self.variables), {name: one.to_domain() for name, one in self.connections.items()})


def _setting(text: str) -> str:
    if is_reference(text):
        raise fault("stands in clear", "give what is secret under access, by reference")
    return text


def _digest(text: str) -> str:
    if not re.fullmatch(_DIGEST, text, re.ASCII):
        raise fault("must be a digest", "write sha256: and 64 hexadecimal digits, in lower case")
    return text


class DataSetSection(Section):
    """The data that an environment was given to be tested with."""

    name: Text
    """What people call it."""
    digest: Annotated[str, AfterValidator(_digest), Field(json_schema_extra={"pattern": f"^{_DIGEST}$"})]
    """Its digest, as in sha256: and 64 hexadecimal digits."""


class EnvironmentFile(Section):
    """A real place on a platform where solutions run, and what it gives to them."""

    tier: Name
    """The level it is on; declared in lampway.yaml."""
    platform: Name
    """The low-code product that runs there, such as node-red."""
    url: Url
    """The address of the platform's admin API."""
    public_url: Url | None = None
    """Where people and checks reach what runs there. Without this key: the same address."""
    access: Annotated[AccessSection, MayBeEmpty] = AccessSection()
    """How Lampway signs in: fields as the platform names them, each a reference to a secret."""
    maker_access: Annotated[AccessSection, MayBeEmpty] = AccessSection()
    """A maker's credential, used only to see what makers may do there."""
    variables: Variables = Field(default={})
    """Values that every solution gets, by the name that solutions read them by."""
    connections: Connections = Field(default={})
    """Credentials that every solution gets; each one a reference to a secret, such as env:ERP_PASSWORD."""
    solutions: Annotated[dict[Name, Annotated[ValuesSection, MayBeEmpty]], MayBeEmpty] = Field(default={})
    """What one solution gets; wins over what every solution gets."""
    data: DataKind | None = None
    """What data is there: masked, synthetic, production or none. Without this key: nobody has said."""
    data_set: DataSetSection | None = None
    """Which data exactly; recorded with every check that runs there."""
    settings: Annotated[dict[Text, Annotated[Text, AfterValidator(_setting)]], MayBeEmpty] = Field(default={})
    """What else the platform must be told to be reached and used, in clear, as its page says; never a secret."""
    longest_wait: Span | None = None
    """For how long a change waits for what others have under way there, before a person must say. Without: 4h."""

    def to_domain(self, name: str) -> Environment:
        """Return the environment."""
        return Environment(
            name=name,
            tier=self.tier,
            platform=self.platform,
            url=self.url,
            public_url=self.public_url or "",
            access=self.access.to_domain(),
            maker_access=self.maker_access.to_domain(),
            values=ValuesSection(variables=self.variables, connections=self.connections).to_domain(),
            solutions={solution: values.to_domain() for solution, values in self.solutions.items()},
            data=self.data or "",
            data_set=DataSet(self.data_set.name, self.data_set.digest) if self.data_set else None,
            settings=dict(self.settings),
            longest_wait=self.longest_wait or LONGEST_WAIT,
        )
