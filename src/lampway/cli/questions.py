"""The few questions that `lampway init` asks on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lampway.cli.output import note
from lampway.domain.presets import PRESETS
from lampway.domain.roles import SHIPPED


@dataclass(frozen=True, slots=True)
class Answers:
    """What was answered."""

    team: str
    preset: str
    platform: str
    people: tuple[str, ...]
    """Each as ID:NAME:EMAIL:ROLE,ROLE; none: whoever asks holds every role."""


def ask(platforms: tuple[str, ...], read: Callable[[str], str] = input) -> Answers:
    """Ask, and return the answers; an empty line takes what is proposed. The end of input takes all that is left."""

    def question(text: str, proposal: str, known: tuple[str, ...] = ()) -> str:
        while True:
            try:
                given = read(f"{text} [{proposal}]: ").strip() or proposal
            except EOFError:
                return proposal
            if not known or given in known:
                return given
            note(f"  one of: {', '.join(known)}")

    team = question("Which team owns these rules?", "Our team")
    for preset in PRESETS.values():
        note(f"  {preset.name.ljust(10)} {preset.summary}")
    chosen = question("Which of these fits?", "team", tuple(PRESETS))
    platform = question("On which platform?", platforms[0] if platforms else "node-red", platforms)
    return Answers(team, chosen, platform, _people(chosen, question))


def _people(preset: str, question: Callable[[str, str], str]) -> tuple[str, ...]:
    """Ask for people until an empty line; nobody at all means whoever asks."""
    if preset == "solo":
        return ()
    needs = ", ".join(f"{count} {role}" for role, count in PRESETS[preset].needs)
    note(f"  this preset needs at least: {needs}" if needs else "  leave empty to begin with yourself alone")
    note(f"  roles: {', '.join(SHIPPED)}")
    found: list[str] = []
    while True:
        given = question("Somebody, as ID:NAME:EMAIL:ROLE,ROLE; empty when that is all", "that is all")
        if given == "that is all":
            return tuple(found)
        found.append(given)
