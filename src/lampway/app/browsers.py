"""What the web needs of the outside to know who is there: passkeys, and the team's own provider."""

from lampway.integrations.oidc import OpenId, Provider
from lampway.integrations.passkeys import (
    challenge_in,
    challenge_of,
    fault_of,
    from_base64url,
    read_registration,
    to_base64url,
    wrap_assertion,
)

__all__ = [
    "OpenId",
    "Provider",
    "challenge_in",
    "challenge_of",
    "fault_of",
    "from_base64url",
    "read_registration",
    "to_base64url",
    "wrap_assertion",
]
