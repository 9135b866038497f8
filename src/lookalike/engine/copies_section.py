"""The report's section on edited copies and on what scores mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lookalike.evaluation import EDITS
from lookalike.pictures import ReportSection, ReportTable

if TYPE_CHECKING:
    from lookalike.engine.card import Card

__all__ = ["copies_section"]


def copies_section(card: Card) -> ReportSection:
    """Return the tables of recall by edit and strength, and of the engine beside the baselines."""
    copies = card.copies
    rows = [
        (
            edit,
            *(f"{copies.row(edit, strength).recall_at_1:.3f}" for strength in copies.strengths),
            *(f"{copies.row(edit, strength).recall_at_10:.3f}" for strength in copies.strengths),
        )
        for edit in copies.edits
    ]
    means = [copies.mean(strength) for strength in copies.strengths]
    rows.append(
        (
            "all",
            *(f"{mean.recall_at_1:.3f}" for mean in means),
            *(f"{mean.recall_at_10:.3f}" for mean in means),
        )
    )
    heads = (
        "Edit",
        *(f"R@1 {strength}" for strength in copies.strengths),
        *(f"R@10 {strength}" for strength in copies.strengths),
    )
    beside = sorted(card.beside.items(), key=lambda item: -item[1])
    return ReportSection(
        "Edited copies",
        f"{copies.pictures:,} pictures of the gallery were edited and searched for. Recall@1 is "
        "the share of copies whose first hit is the original, recall@10 of those that have it "
        f"among ten. No labels are used.{_scores(card)}",
        tables=(
            ReportTable("Recall by edit and strength", heads, tuple(rows)),
            ReportTable(
                f"Medium copies of {card.beside_pictures:,} of them, beside the baselines",
                ("Method", "Recall@1"),
                tuple((name, f"{value:.3f}") for name, value in beside),
            ),
            ReportTable(
                "What is done, light / medium / strong",
                ("Edit", "Amounts"),
                tuple((edit, EDITS[edit].description) for edit in copies.edits),
                words=True,
            ),
        ),
    )


def _scores(card: Card) -> str:
    check = card.check
    if check is None:
        return " The gallery is too small to say what its scores mean."
    return (
        " From the copies the engine has learnt what its scores mean. On pictures it did not learn "
        f"from, the copy probability of the best hit is off by {check.error:.3f} on average; "
        f"{check.missed:.1%} of medium copies are wrongly told that nothing is like them, and "
        f"{check.foreign:.1%} of foreign pictures, put together from pieces of the gallery's own, "
        "rightly."
    )
