"""What a serving process remembers for a moment: answers that are the same for everybody, while nothing is recorded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from lampway.app import Engine
from lampway.domain.moments import seconds_between

T = TypeVar("T")
_FRESH = 5.0
"""Seconds for which an answer counts though time passes: holds end, and *3 min ago* grows older."""
_MOST = 64


@dataclass(slots=True)
class _Remembered:
    turn: threading.Lock = field(default_factory=threading.Lock)
    head: tuple[int, str] = (-1, "")
    at: str = ""
    value: Any = None

    def holds(self, head: tuple[int, str], now: str) -> bool:
        return self.head == head and abs(seconds_between(self.at, now)) < _FRESH


class Memory:
    """Remembers what was made from the ledger; many who ask at once wait for one who makes it."""

    def __init__(self) -> None:
        self._kept: OrderedDict[object, _Remembered] = OrderedDict()
        self._turn = threading.Lock()

    def recall(self, engine: Engine, key: object, make: Callable[[], T]) -> T:
        """Return what was made under this key from the ledger as it is, a moment ago at most; else make it.

        Only for what is the same for everybody who may ask.
        """
        with engine.store.reading() as reading:
            head = reading.head()
        now = engine.now()
        with self._turn:
            kept = self._kept.pop(key, None) or _Remembered()
            self._kept[key] = kept
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        with kept.turn:
            if not kept.holds(head, now):
                kept.value = make()
                kept.head, kept.at = head, now
            value: T = kept.value
        return value
