"""What takes a second person beside promotions: opening an environment, what was done there alone, ending things."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from lampway.engine.retire import ApproveRetirement, DraftConsent
from lampway.engine.unlock import ConfirmUnlock, DraftUnlockWord, ReviewUnlock
from lampway.web.console import Page, Shown, require_field
from lampway.web.signing import Wish, give


def confirm_unlock(page: Page) -> Response:
    """Confirm that an environment is opened, as the person who was asked to."""
    name = page.given("environment")
    wish = Wish(
        title=f"Confirm that {name} is unlocked",
        asked=ConfirmUnlock(environment=name),
        draft=DraftUnlockWord(environment=name),
        back=f"/environments/{quote(name)}",
        command=f"lampway unlock {name} --confirm",
        is_about_prod=True,
    )
    return give(page, wish, lambda _, proof: page.go(wish.back, f"{name} is unlocked; {proof}"))


def review_unlock(page: Page) -> Response:
    """Say what one found of what somebody did alone in an open environment."""
    name, note = page.given("environment"), require_field(page, "note")
    wish = Wish(
        title=f"Review the unlocking of {name}",
        asked=ReviewUnlock(environment=name, note=note),
        draft=DraftUnlockWord(environment=name, note=note),
        back=f"/environments/{quote(name)}",
        command=f"lampway unlock {name} --review '...'",
        is_about_prod=True,
    )
    return give(page, wish, lambda _, proof: page.go(wish.back, f"reviewed; {proof}"))


def agree_to_retire(page: Page) -> Response:
    """Agree to what somebody else asked for: that a solution ends, somewhere or everywhere."""
    solution, place = page.given("solution"), page.form.get("environment", "").strip()
    scope = f"{solution} --in {place}" if place else solution
    wish = Wish(
        title=f"Agree that {solution} is taken out{f' of {place}' if place else ''}",
        asked=ApproveRetirement(solution=solution, environment=place),
        draft=DraftConsent(solution=solution, environment=place),
        back="/recertification",
        command=f"lampway retire {scope} --approve",
        is_about_prod=True,
    )
    return give(page, wish, lambda _, proof: page.go(wish.back, f"agreed; {proof}"))


SECOND_PERSON: dict[str, tuple[str, Shown]] = {
    "POST /environments/{environment}/confirm": ("POST", confirm_unlock),
    "POST /environments/{environment}/review": ("POST", review_unlock),
    "POST /recertification/{solution}/retire": ("POST", agree_to_retire),
}
"""Method and page, by method and path."""
