"""Asynchronous operations and import jobs: how far they have come, and what they said in the end."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from lampway.engine.platform import UnderWay
from lampway.errors import InvalidPackageError, LampwayError, NotFoundError
from lampway.platforms.powerplatform.client import Client, literal
from lampway.platforms.powerplatform.signin import told
from lampway.platforms.powerplatform.xmltext import Element, parse_xml

IMPORTS = frozenset({
    "ImportSolutionAsync", "StageAndUpgradeAsync", "DeleteAndPromoteAsync", "ImportSolution", "UninstallSolutionAsync",
})  # fmt: skip
"""Messages of operations that install something or remove it; one of them runs at a time in an organisation."""

_IN_PROGRESS, _DONE = 2, 3
_WORD_OF = (("Uninstall", "removal"), ("DeleteAndPromote", "upgrade"))
"""What other messages than those of imports are called."""
_BETWEEN = 2.0  # seconds between two looks at an operation
_SECONDS = re.compile(r"\d{1,3}(?:\.\d{1,3})?")
_MOST = 20
"""Components whose failure is told one by one."""
_WORDS = 400


def seconds_between(client: Client) -> float:
    """Return for how long to leave an operation alone between two looks: `poll_seconds` under settings, or two."""
    given = told(client.access, "poll_seconds")
    return float(given) if _SECONDS.fullmatch(given) else _BETWEEN


class OperationState(Enum):
    """How far an asynchronous operation has come."""

    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()
    CANCELLED = auto()


_ENDS: Mapping[int, OperationState] = {
    30: OperationState.SUCCEEDED, 31: OperationState.FAILED, 32: OperationState.CANCELLED,
}  # fmt: skip


def read_operation(client: Client, id_: str) -> tuple[OperationState, str]:
    """Return how far an operation has come, and the platform's own words about it. Raises NotFoundError."""
    row = client.row("asyncoperations", id_)
    return _state_of(row)


def follow_operation(client: Client, id_: str) -> tuple[OperationState, str, UnderWay | None]:
    """Return the same, and what an operation that was not begun there yet waits for. Raises NotFoundError."""
    row = client.row("asyncoperations", id_)
    is_begun = row.get("startedon") is not None or row.get("statecode") in {_IN_PROGRESS, _DONE}
    return *_state_of(row), None if is_begun else installing(client, but=id_)


def _state_of(row: Mapping[str, Any]) -> tuple[OperationState, str]:
    if row.get("statecode") != _DONE:
        return OperationState.RUNNING, ""
    state = _ENDS.get(int(row.get("statuscode") or 0), OperationState.FAILED)
    return state, _words(row) if state is not OperationState.SUCCEEDED else ""


def _words(row: Mapping[str, Any]) -> str:
    said = str(row.get("friendlymessage") or row.get("message") or "no reason given")
    code = row.get("errorcode")
    return " ".join(said.split())[:_WORDS] + (f" ({code})" if code else "")


def installing(client: Client, *, but: str = "") -> UnderWay | None:
    """Return the oldest import or removal that waits or is under way there, and who began it; None for none.

    They run one after the other, whatever solutions they are about. `but` is the id of one that does not count.
    """
    ours = " or ".join(
        f"messagename eq {literal(name)}" for name in sorted(IMPORTS)
    )  # of others there can be thousands
    columns = "asyncoperationid,messagename,statecode,createdon,startedon,_createdby_value"
    rows = client.rows("asyncoperations", select=columns, filter=f"statecode ne {_DONE} and ({ours})")
    open_ = [row for row in rows if row.get("statecode") != _DONE and row.get("messagename") in IMPORTS]
    left = [row for row in open_ if str(row.get("asyncoperationid") or "").lower() != but.lower()]
    return _told_of(client, min(left, key=lambda row: str(row.get("createdon") or ""))) if left else None


def _told_of(client: Client, row: Mapping[str, Any]) -> UnderWay:
    word = next((word for part, word in _WORD_OF if part in str(row.get("messagename"))), "import")
    since = str(row.get("startedon") or row.get("createdon") or "")
    by, is_ours = "", False
    try:
        user = client.row("systemusers", str(row.get("_createdby_value") or ""), select="fullname,applicationid")
        by = str(user.get("fullname") or "")
        is_ours = str(user.get("applicationid") or "-").lower() == told(client.access, "client_id").lower()
    except LampwayError:
        pass  # who it was helps whoever looks, and is worth no failure
    article = ("an" if word[0] in "aiu" else "a") if is_ours else "another"  # ours may be the one we look for
    return UnderWay(f"{article} {word}", since, by)


@dataclass(frozen=True, slots=True)
class Job:
    """An import job as the platform keeps it."""

    id: str
    solution: str
    is_complete: bool
    has_failed: bool
    """Whether any part of it failed."""
    failures: tuple[str, ...]
    """What failed, by component, in the platform's own words."""
    warnings: tuple[str, ...] = ()


def job_id(intended: str, number: int) -> str:
    """Return the id of the `number`th try at an import: the intended one first, then ids that follow from it."""
    return intended if number == 0 else str(uuid.uuid5(uuid.UUID(intended), str(number)))


def read_job(client: Client, id_: str) -> Job | None:
    """Return an import job, or None where there is none of this id."""
    try:
        row = client.row("importjobs", id_, select="progress,completedon,solutionname,data")
    except NotFoundError:
        return None
    results = list(_results(str(row.get("data") or "")))
    return Job(
        id=id_,
        solution=str(row.get("solutionname") or ""),
        is_complete=row.get("completedon") is not None,
        has_failed=any(result == "failure" for result, _ in results),
        failures=tuple(dict.fromkeys(text for result, text in results if text and result == "failure"))[:_MOST],
        warnings=tuple(dict.fromkeys(text for result, text in results if text and result == "warning"))[:_MOST],
    )


def _results(data: str) -> Iterator[tuple[str, str]]:
    """Yield result and words of every component that an import job tells about; no words for what fell with others."""
    if not data:
        return
    try:
        root = parse_xml(data.encode(), where="import job")
    except InvalidPackageError:
        return
    holders = {child: parent for parent in root.iter() for child in parent}
    for element in root.iter("result"):
        result = element.get("result", "")
        if result in {"failure", "warning"}:
            yield result, _told(element, holders) if element.get("errortext") else ""


def _told(element: Element, holders: Mapping[Element, Element]) -> str:
    words = " ".join(element.get("errortext", "").split())[:_WORDS]
    code = element.get("errorcode", "")
    said = words + (f" ({code})" if code not in {"", "0"} else "")
    holder = holders.get(element)
    name = ""
    while holder is not None and not name:
        name = holder.get("LocalizedName") or holder.get("name") or holder.get("id") or ""
        kind, holder = holder.tag, holders.get(holder)
    needed = [f"needs {_needed(one)}" for one in element.iter("Required")]
    return f"{kind} {name}: {said}" if name else "; ".join([said, *needed])


def _needed(required: Element) -> str:
    name = required.get("displayName") or required.get("schemaName") or required.get("id") or "something"
    solution = required.get("solution", "")
    return f"{name} of {solution}" if solution else name
