"""What people did about a promotion besides deciding, in lines; shared by every screen that shows one."""

from __future__ import annotations

from lampway.cli.output import paint, when
from lampway.domain.checklist import ChecklistLine
from lampway.domain.quorum import voice_name
from lampway.engine.views import PromotionView

_MARKS = {"yes": ("✓", "32"), "no": ("✗", "31"), "n/a": ("–", "33"), "": ("…", "36")}


def duty_lines(view: PromotionView) -> list[str]:
    """Return decisions, waivers, checklist and questions, each with who and when."""
    p = view.promotion
    lines = []
    for d in p.decisions:
        reason = f": {d.reason}" if d.reason else ""
        word = "approved" if d.approved else "rejected"
        lines.append(f"  {word} by {voice_name(d.by, d.on_behalf_of)} at {when(d.at)}{reason}")
    lines += [f"  gate {w.gate} waived by {w.by} until {when(w.until)}: {w.reason}" for w in p.waivers]
    if view.checklist:
        lines += ["  checklist:", *(f"  {line}" for line in checklist_lines(view.checklist))]
    for remark in p.remarks:
        mark = "?" if remark.is_question else "↳"
        lines.append(f"  {mark} {remark.by} at {when(remark.at)}: {remark.text}")
    if p.open_question is not None:
        lines.append(f"  asked, not answered yet: lampway answer {p.id} '...'")
    return lines


def checklist_lines(found: tuple[ChecklistLine, ...]) -> list[str]:
    """Return a checklist, an item per line with the answer that holds, or who is to give it."""
    width = max((len(line.item) for line in found), default=0)
    lines = []
    for line in found:
        mark, colour = _MARKS[line.reply]
        said = f"{line.reply}, {line.answered_by}" if line.reply else f"for {line.by} to answer"
        note = f": {line.note}" if line.note else ""
        lines.append(f"  {paint(mark, colour)} {line.item.ljust(width)}  {line.text} ({said}{note})")
    return lines


def duty_facts(view: PromotionView) -> dict[str, object]:
    """Return the same in the shape that scripts rely on."""
    p = view.promotion
    return {"waivers": p.waivers, "checklist": view.checklist, "remarks": p.remarks, "answers": p.answers}
