"""What the in-memory platform can do, one entry per ability."""

from __future__ import annotations

from lampway.domain.capability import Ability, Capability, Support

_TWO_STEPS = "each of its two steps is all or nothing, the two together are not"
_UNSEEN = "whether a password is stored can be seen, not which one"

CAPABILITIES = (
    Capability(Ability.EXPORT, Support.FULL),
    Capability(Ability.DEPLOY, Support.FULL),
    Capability(Ability.REMOVE, Support.FULL),
    Capability(Ability.OBSERVE, Support.FULL),
    Capability(Ability.CONFIGURE, Support.FULL),
    Capability(Ability.SECRETS, Support.PARTIAL, _UNSEEN),
    Capability(Ability.PRECONDITION, Support.FULL),
    Capability(Ability.ATOMIC, Support.PARTIAL, _TWO_STEPS),
    Capability(Ability.RECOVERY, Support.FULL),
    Capability(Ability.ROLLBACK, Support.FULL),
    Capability(Ability.EDITORS, Support.FULL),
    Capability(Ability.LOCK_OBSERVE, Support.FULL),
    Capability(Ability.LOCK_SET, Support.FULL),
    Capability(Ability.LABEL, Support.FULL),
    Capability(Ability.LAUNCH, Support.IMPOSSIBLE),
    Capability(Ability.SMOKE_RUN, Support.FULL),
    Capability(Ability.EXECUTIONS, Support.FULL),
    Capability(Ability.SWITCH, Support.FULL),
    Capability(Ability.USAGE, Support.FULL),
)
