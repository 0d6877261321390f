"""What one process knows to be closed, so that an event makes it judge only what that event can change.

Nothing relies on it but the time that judging takes: it is forgotten with its process, and whatever starts is judged
once more in the transaction that starts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from lampway.domain.dependencies import needs_of
from lampway.domain.due import first_of, next_change
from lampway.domain.judgement import Facts
from lampway.domain.promotion import Promotion
from lampway.engine.reach import touched
from lampway.engine.store import Reading, Scheduled, Store

_FAR_BEHIND = 1000
"""Events after which it is quicker to look at everything once more."""


@dataclass(slots=True)
class Known:
    """What is known of the promotions that wait in one environment. To be used by whoever works there, alone."""

    environment: str
    _seq: int = 0
    """The ledger's row up to which it is true."""
    _concern: dict[str, frozenset[str]] = field(default_factory=dict)
    """Promotion to the solutions whose events may change how it is judged: its own, and those it needs."""
    _closed: set[str] = field(default_factory=set)
    """Promotions that may not start, for which nobody has anything to do now."""
    _unasked: set[str] = field(default_factory=set)
    """Promotions for which nobody is to be asked for an approval now."""
    _planned: dict[str, tuple[str, tuple[Scheduled, ...]]] = field(default_factory=dict)
    """Promotion to when time alone may change something, and what else is due for it."""
    _until: dict[str, str] = field(default_factory=dict)
    """Promotion to the first moment at which time alone may make it untrue; it never is moved back."""

    def follow(self, store: Store, now: str) -> None:
        """Forget what was touched by anything that was recorded since, or by time. To be called before a look."""
        if not self._concern:
            return
        self._forget([key for key, until in self._until.items() if now >= until])
        recorded = list(islice(store.events(self._seq), _FAR_BEHIND + 1))
        if not recorded:
            return
        with store.reading() as reading:
            solutions = touched(reading, recorded, self.environment)
            head = reading.head()[0]
        is_near = solutions is not None and len(recorded) <= _FAR_BEHIND
        names = solutions or frozenset()
        self._forget([key for key, concern in self._concern.items() if not is_near or concern & names])
        self._seq = recorded[-1].seq if is_near else head

    def look(self, reading: Reading) -> None:
        """Begin a look: what is remembered from here on is true as of this reading, or of an earlier one."""
        if not self._concern:
            self._seq = reading.head()[0]

    def is_closed(self, promotion: Promotion) -> bool:
        """Return whether it is known that this promotion may not start."""
        return promotion.id in self._closed

    def is_unasked(self, promotion: Promotion) -> bool:
        """Return whether it is known that nobody is to be asked for an approval of it."""
        return promotion.id in self._unasked

    def close(self, facts: Facts) -> None:
        """Remember that this promotion may not start."""
        self._remember(facts)
        self._closed.add(facts.promotion)

    def leave_unasked(self, facts: Facts) -> None:
        """Remember that nobody is to be asked for an approval of it."""
        self._remember(facts)
        self._unasked.add(facts.promotion)

    def planned(self, promotion: Promotion) -> tuple[str, tuple[Scheduled, ...]] | None:
        """Return when time alone may change something for this promotion, and what is due for it; None if unknown."""
        return self._planned.get(promotion.id)

    def plan(self, facts: Facts, rows: Iterable[Scheduled]) -> tuple[str, tuple[Scheduled, ...]]:
        """Remember what time will bring to this promotion, and return it."""
        self._planned[facts.promotion] = self._remember(facts), tuple(rows)
        return self._planned[facts.promotion]

    def _remember(self, facts: Facts) -> str:
        """Remember what concerns it, and until when what is known holds; return when time alone changes something."""
        change = next_change(facts)
        names = (facts.solution, *(need.name for need in needs_of(facts.release)))
        self._concern[facts.promotion] = frozenset(names)
        if until := first_of([change, self._until.get(facts.promotion, "")]):
            self._until[facts.promotion] = until
        return change

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._closed.discard(key)
            self._unasked.discard(key)
            for kept in (self._concern, self._planned, self._until):
                kept.pop(key, None)
