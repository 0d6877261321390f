"""Sessions: whoever is signed in with a browser goes on only while what let them in counts."""

from __future__ import annotations

import re

from lampway.domain.passkeys import Passkey
from lampway.domain.strategy import Strategy
from lampway.domain.tokens import ApiToken
from lampway.engine.invitations import counts_still
from lampway.engine.passkeys import fault_of_passkey
from lampway.engine.store import Records

_VIA = re.compile(r"(token|passkey) ([^\s,]+)(?:, by invitation \S+)?", re.ASCII)


def goes_on(reading: Records, strategy: Strategy, via: str, now: str) -> bool:
    """Return whether somebody who is signed in in this way may go on.

    Not after the invitation behind it was taken back, nor once the token or the passkey that let them in counts no
    more: whoever revokes what was stolen puts the thief out as well.
    """
    if not counts_still(reading, via):
        return False
    match _VIA.fullmatch(via):
        case None:
            return True
        case found if found[1] == "token":
            token = reading.get(ApiToken, found[2])
            return token is not None and not token.revoked_at and now < token.until
        case found:
            passkey = reading.get(Passkey, found[2])
            return passkey is not None and not fault_of_passkey(reading, strategy, passkey, now)
