"""Commands for mending what runs in production, by the shortest path that is still tested and approved."""

from __future__ import annotations

from lampway.cli.build import say_edits
from lampway.cli.operate import In
from lampway.cli.output import emit, paint, say, when
from lampway.cli.path import Json, exit_code, promotion_facts, say_promotion
from lampway.cli.session import session
from lampway.domain.digest import short
from lampway.domain.judgement import GateState
from lampway.engine.hotfix import HotfixView, StartHotfix
from lampway.engine.hotfixed import AbandonHotfix, Finished, FinishHotfix, ShowHotfixes
from lampway.engine.views import PromotionView, ShowPromotion


def start(solution: str, /, *, in_: In, reason: str = "", json: Json = False) -> int:
    """Put exactly what runs in production where it can be mended: a sandbox, or else where makers build.

    Parameters
    ----------
    solution
        What is to be mended.
    in_
        Environment at the end of its path.
    reason
        What is wrong; it goes into every record of it.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        view = opened.run(StartHotfix(solution, in_, reason))
    if json:
        emit(view)
        return 0
    hotfix = view.hotfix
    say(f"{solution}@{hotfix.version}, as it runs in {hotfix.environment}, is in {hotfix.place}: {view.url}")
    if view.sign_in:
        say(f"  sign in as it says there: cat {view.sign_in}")
    for text in view.notes:
        say(f"  note: {text}")
    say(f"  next: edit it there, then {paint(view.next, '1')}")
    return 0


def finish(solution: str, /, *, message: str = "", blank_defaults: bool = False, json: Json = False) -> int:
    """Release the mend and ask for it to go in, by the short path that the strategy declares, or else by the whole one.

    If the release would not do, edit on and finish again.

    Parameters
    ----------
    solution
        What was mended.
    message
        What the mend is; the reason of the hotfix if left out.
    blank_defaults
        Take the values out of the package that the place of the mend left in as defaults; the release records it.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        made = opened.run(FinishHotfix(solution, message, blank_defaults=blank_defaults))
        views = [opened.run(ShowPromotion(p)) for p in made.promotions]
    if json:
        emit({**_facts(made), "promotions": [promotion_facts(v) for v in views]})
    else:
        _say_finished(made, views)
    return exit_code(views)


def _facts(made: Finished) -> dict[str, object]:
    return {
        "release": made.release.name,
        "digest": made.release.digest,
        "commit": made.release.commit,
        "branch": made.branch,
        "transformations": made.release.transformations,
        "changes": list(made.changes),
        "backport": made.backport,
        "short_path": made.is_short,
    }


def _say_finished(made: Finished, views: list[PromotionView]) -> None:
    release = made.release
    say(f"{release.name} (hotfix of {release.previous}): sealed as {short(release.digest)}, on {made.branch}")
    say_edits(release)
    for line in made.changes:
        say(f"  {line}")
    if not made.is_short:
        say("  no short path is declared for hotfixes: it takes the whole one")
    for view in views:
        say_promotion(view)
    waits = next((v for v in views if any(g.state is GateState.PENDING for g in v.gates)), None)
    if waits is not None:
        say(f"  next: somebody who may approve runs {paint(f'lampway approve {waits.promotion.id}', '1')}")
    say(f"  afterwards: make the same change where you build; task {made.backport} is open until a release contains it")


def abandon(solution: str, /, *, reason: str = "", json: Json = False) -> int:
    """Give a hotfix up. Its sandbox goes; what was released of it stays released.

    Parameters
    ----------
    solution
        What was to be mended.
    reason
        Why.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        view = opened.run(AbandonHotfix(solution, reason))
    if json:
        emit(view)
        return 0
    say(f"hotfix of {solution} given up")
    for text in view.notes:
        say(f"  note: {text}")
    return 0


def list_(solution: str = "", /, *, json: Json = False) -> int:
    """Show which hotfixes are under way, each with the command to run next.

    Parameters
    ----------
    solution
        Only of this one.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowHotfixes(solution))
    if json:
        emit(found)
        return 0
    if not found:
        say("no hotfix is under way")
    for view in found:
        _say_open(view)
    return 0


def _say_open(view: HotfixView) -> None:
    hotfix = view.hotfix
    made = f", released as {hotfix.releases[-1]}" if hotfix.releases else ""
    say(f"{hotfix.solution}@{hotfix.version} in {hotfix.environment}, by {hotfix.by} since {when(hotfix.at)}{made}")
    say(f"  {hotfix.reason}")
    say(f"  built in {hotfix.place}{f' at {view.url}' if view.url else ''}; next: {view.next}")
