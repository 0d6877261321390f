"""The strategy in force as text: the document in blocks that travel as JSON, and what its rules leave open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from lampway.domain.cautions import cautions
from lampway.domain.events import Actor
from lampway.domain.strategy_document import Block, Bullets, Chapter, Grid, Meters, Paragraph, Place, Topology, in_form
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.document import WriteDocument, write_strategy_document


@dataclass(frozen=True, slots=True)
class TextBlock:
    """One block of the document, whatever it is."""

    kind: str
    """paragraph, list, table, meters or path."""
    text: str = ""
    """Of a paragraph; of a table what is said where it has no rows; of a path its name."""
    items: tuple[str, ...] = ()
    """Of a list; of a path its places and what stands between them, in turns."""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    """Of a table; of meters label, per cent and note."""


@dataclass(frozen=True, slots=True)
class StrategyText:
    """The strategy in force."""

    title: str
    team: str
    commit: str
    applied_by: str
    applied_at: str
    facts: tuple[tuple[str, str], ...]
    chapters: tuple[Chapter[TextBlock], ...]
    cautions: tuple[str, ...]
    """What the static rules point out; what they refuse is never in force."""


@dataclass(frozen=True, slots=True)
class ShowStrategy(Request[StrategyText]):
    """Read the strategy in force, as the document that people sign has it."""


def show_strategy(engine: Engine, request: ShowStrategy, actor: Actor) -> StrategyText:
    """Return the document in blocks, with what its rules leave open. Raises RefusedError where nothing is in force."""
    del request
    document = write_strategy_document(engine, WriteDocument(), actor)
    with engine.store.reading() as reading:
        rules = rules_in_force(reading)
    return StrategyText(
        title=document.title,
        team=document.team,
        commit=rules.commit,
        applied_by=rules.applied_by,
        applied_at=rules.applied_at,
        facts=document.facts,
        chapters=in_form(document.chapters, _text),
        cautions=cautions(rules.strategy),
    )


def _text(block: Block) -> tuple[TextBlock, ...]:
    match block:
        case Paragraph(text):
            return (TextBlock("paragraph", text),)
        case Bullets(items):
            return (TextBlock("list", items=items),)
        case Grid():
            return (TextBlock("table", block.empty, heads=block.heads, rows=block.rows),)
        case Meters(meters):
            return (TextBlock("meters", rows=tuple((m.label, str(m.value), m.note) for m in meters)),)
        case Topology():
            paths = tuple(TextBlock("path", lane.name, _places(lane.places, lane.steps)) for lane in block.lanes)
            aside = TextBlock("path", "beside the paths", tuple(_place(place) for place in block.aside))
            return (*paths, *((aside,) if block.aside else ()))
        case _:
            assert_never(block)


def _places(places: tuple[Place, ...], steps: tuple[str, ...]) -> tuple[str, ...]:
    between = (*steps, "")
    found = [word for place, step in zip(places, between, strict=False) for word in (_place(place), step)]
    return tuple(found[: 2 * len(places) - 1])


def _place(place: Place) -> str:
    tier = f" ({place.tier})" if place.tier != place.name else ""
    return f"{place.name}{tier}{f', {place.note}' if place.note else ''}"
