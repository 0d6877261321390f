"""The model of `environments/<environment>.yaml`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema

from lampway.config.section import MayBeEmpty, Name, Reference, Section, Text, Url, fault
from lampway.domain.configuration import EXTERNAL
from lampway.domain.strategy import DataSet, Environment, Values

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
Connections: TypeAlias = Annotated[
    dict[Text, Annotated[dict[Text, Reference], Field(min_length=1)]],
    MayBeEmpty,
]


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
        return Values(dict(self.variables), {name: dict(fields) for name, fields in self.connections.items()})


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
        )
