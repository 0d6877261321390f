"""Faults on demand: what can go wrong between a client and the platform, and inside of the platform."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong, for the next `times` requests that it is meant for."""

    kind: str
    """`throttle`, `unavailable`, `cut_before`, `cut_after`, `hang`, `expire`, `refuse`."""
    path: str = ""
    """What the path of the request must contain; a regular expression."""
    method: str = ""
    times: int = 1
    seconds: float = 0.0
    """For `throttle` what Retry-After says, for `hang` how long the answer takes."""
    status: int = 500
    code: str = "0x80040216"
    text: str = "An unexpected error occurred."

    def is_for(self, method: str, path: str) -> bool:
        """Return whether a request meets this fault."""
        return self.times > 0 and self.method in {"", method} and re.search(self.path, path) is not None


@dataclass(slots=True)
class OperationFault:
    """How the next operation of a kind goes."""

    message: str = ""
    """What was asked for, such as `ImportSolutionAsync`; empty for any."""
    text: str = ""
    """Why it fails; empty where it does not."""
    code: int = -2147188706
    slower: int = 0
    """How many steps more it takes."""
    after_effect: bool = False
    """Whether it fails although everything was done."""


@dataclass
class Faults:
    """What is to go wrong. Each entry is used up."""

    requests: list[Fault] = field(default_factory=list)
    operations: list[OperationFault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def throttle(self, path: str = "", *, times: int = 1, retry_after: float = 1, method: str = "") -> None:
        """Answer 429 with Retry-After."""
        self.requests.append(Fault("throttle", path, method, times, seconds=retry_after))

    def unavailable(self, path: str = "", *, times: int = 1, method: str = "") -> None:
        """Answer 503."""
        self.requests.append(Fault("unavailable", path, method, times))

    def cut_before(self, path: str = "", *, times: int = 1, method: str = "") -> None:
        """Close the connection before anything was done."""
        self.requests.append(Fault("cut_before", path, method, times))

    def cut_after(self, path: str = "", *, times: int = 1, method: str = "") -> None:
        """Do what was asked for, and close the connection without an answer."""
        self.requests.append(Fault("cut_after", path, method, times))

    def hang(self, path: str = "", *, seconds: float, times: int = 1, method: str = "") -> None:
        """Do what was asked for, and answer late."""
        self.requests.append(Fault("hang", path, method, times, seconds=seconds))

    def expire_token(self, path: str = "", *, times: int = 1) -> None:
        """Answer 401 and forget the token that was used."""
        self.requests.append(Fault("expire", path, "", times))

    def refuse(self, path: str = "", *, status: int, code: str, text: str, times: int = 1, method: str = "") -> None:
        """Answer with an error of one's own choice; nothing is done."""
        self.requests.append(Fault("refuse", path, method, times, status=status, code=code, text=text))

    def fail_operation(self, text: str, *, message: str = "", code: int = -2147188706, after: bool = False) -> None:
        """Let the next operation fail with a text; `after` everything was done, or before."""
        self.operations.append(OperationFault(message, text, code, after_effect=after))

    def slow_operation(self, steps: int, *, message: str = "") -> None:
        """Let the next operation take more steps."""
        self.operations.append(OperationFault(message, slower=steps))

    def clear(self) -> None:
        """Let everything go well again."""
        self.requests.clear()
        self.operations.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that a request meets, and use it up."""
        with self._lock:
            for fault in self.requests:
                if fault.is_for(method, path):
                    fault.times -= 1
                    if fault.times <= 0:
                        self.requests.remove(fault)
                    return fault
        return None

    def take_operation(self, message: str) -> OperationFault | None:
        """Return how the operation that starts now goes, and use it up."""
        for fault in self.operations:
            if fault.message in {"", message}:
                self.operations.remove(fault)
                return fault
        return None
