"""What `lampway init` writes: a strategy that is valid, explained line by line, and ready to be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import TypeAlias

from lampway.config.editing import environment_path, with_environment
from lampway.config.revision import block, inline
from lampway.config.schemas import FOLDER, schema_files
from lampway.domain.strategy import Environment

Newcomer: TypeAlias = tuple[str, str, str, Sequence[str]]
"""Id, name, e-mail and roles of a person."""
ENVIRONMENTS = ("dev", "test", "prod")
"""The environments to begin with, each on the tier of its name."""
_TEMPLATES = Path(__file__).parent / "initial"
_SECOND = """
  # Nobody approves their own work, so nothing enters prod before a second person is here:
  # bob:
  #   name: Bob
  #   email: bob@example.com
  #   roles: [approver, platform-admin]
"""
SIGNED = "true          # count only what is signed with the approver's own key (`lampway key create`)"
UNSIGNED = "false         # anybody who can set LAMPWAY_USER can be the approver; `true` asks for their own key"
"""What a strategy says of approvals for prod: by default, and where it was asked for otherwise."""
_PEOPLE = """\
# yaml-language-server: $schema=schema/people.schema.json
#
# Everybody who takes part. The id before the colon is how other files and commands name a person; the e-mail is the one
# in their git commits (`emails: [one, two]` where there are several). What roles exist stands in lampway.yaml.

"""


def initial_files(
    *,
    team: str,
    next_review: str,
    people: Sequence[Newcomer],
    platform: str = "node-red",
    unsigned: bool = False,
) -> Mapping[str, str]:
    """Return the files of a new governance repository, by path. They load without a mistake if what is given is valid.

    A second person must apply changes where two of `people` are platform admins. Where nobody is an approver the first
    one is made one, because rules by which nothing can ever enter prod are no rules; nobody approves their own work
    all the same. With `unsigned` an approval for prod counts without a signature, and the strategy says so.
    """
    people = _with_approver(people)
    admins = [person for person in people if "platform-admin" in person[3]]
    fill = {
        "team": inline(team),
        "next_review": next_review,
        "second_person_applies": inline(len(admins) > 1),
        "owner": people[0][0],
        "signed": UNSIGNED if unsigned else SIGNED,
    }
    return {
        ".gitignore": _template("gitignore").substitute(),
        ".gitattributes": _template("gitattributes").substitute(),
        "lampway.yaml": _template("lampway.yaml").substitute(fill),
        "people.yaml": _people(people),
        **{environment_path(name): _environment(name, platform) for name in ENVIRONMENTS},
        "solutions/README.md": _template("solutions.md").substitute(fill),
        **{f"{FOLDER}/{name}": text for name, text in schema_files().items()},
    }


def _with_approver(people: Sequence[Newcomer]) -> Sequence[Newcomer]:
    if any("approver" in roles for *_, roles in people):
        return people
    id_, name, email, roles = people[0]
    return ((id_, name, email, (*roles, "approver")), *people[1:])


def _people(people: Sequence[Newcomer]) -> str:
    listed = {id_: {"name": name, "email": email, "roles": roles} for id_, name, email, roles in people}
    example = "" if len(people) > 1 else _SECOND
    return _PEOPLE + block("people", listed) + example


def _template(name: str) -> Template:
    return Template((_TEMPLATES / name).read_text(encoding="utf-8"))


def _environment(name: str, platform: str) -> str:
    """Return an environment that is still to be connected: a valid file with an address that leads nowhere."""
    url = f"https://{name}.example.invalid"
    access = {"token": f"env:{name.upper()}_TOKEN"}
    text = with_environment(None, Environment(name, tier=name, platform=platform, url=url, access=access))
    return text.replace(f"url: {url}\n", f"url: {url}  # set by lampway connect\n")
