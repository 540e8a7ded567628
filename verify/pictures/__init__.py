"""Pictures for reports: what an entry or a document is better seen than read, as SVG text.

Each picture has a file of its own, whose first function says in its docstring when there is something to draw. What
says nothing or is too large to read, and what cannot be evaluated, becomes no picture; any other exception is a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from derive.errors import BackproofError
from derive.model import Model
from verify.judge import IS_GOOD, Entry
from verify.pictures.activations import activation_pictures
from verify.pictures.error_map import error_picture
from verify.pictures.paths import path_picture
from verify.pictures.picture import NoPicture, Picture
from verify.pictures.sparsity import sparsity_picture
from verify.pictures.unrolled import unrolled_picture
from verify.pictures.vanishing import vanishing_picture
from verify.report.model import DocumentReport

__all__ = ["Picture", "pictures_of_document", "pictures_of_entry"]

MOST_MODELS = 3  # of which a document's pictures show the graph


def pictures_of_entry(entry: Entry) -> tuple[Picture, ...]:
    """What is to be seen of one line of a report; nothing for most lines. Names begin with the entry's id.

    The sparsity of a Kronecker Jacobian; of what holds, the path of each term; of a refuted line both sides and their
    difference. Deterministic: equal entries have equal pictures.
    """
    drawers = [partial(error_picture, entry), partial(sparsity_picture, entry.id, entry.claim)]
    if entry.verdict is not None and entry.verdict.verdict in IS_GOOD:
        drawers.append(partial(path_picture, entry.id, entry.claim))
    return tuple(_drawn(drawers))


def pictures_of_document(document: DocumentReport) -> tuple[Picture, ...]:
    """What is to be seen of a document: its models' graphs, its activations, vanishing and exploding gradients.

    Names occur once among these and the pictures of the document's entries. Nothing where no claim was understood.
    """
    claims = [entry.claim for entry in document.entries if entry.claim is not None]
    models = _models(claim.model for claim in claims)
    graphs = _drawn(partial(unrolled_picture, model, number + 1) for number, model in enumerate(models))
    sides = [side for claim in claims for side in (claim.left, claim.right)]
    through_time = _drawn([partial(vanishing_picture, models)])
    return (*list(graphs)[:MOST_MODELS], *activation_pictures(models, sides), *through_time)


def _drawn(drawers: Iterable[Callable[[], Picture]]) -> Iterator[Picture]:
    for draw in drawers:
        try:
            yield draw()
        except (NoPicture, BackproofError, RecursionError):  # the last is a formula that is nested too deep
            continue


def _models(found: Iterable[Model]) -> list[Model]:
    """The models with different forward equations, without those that are a part of another."""
    different = list({model.forward: model for model in found}.values())
    return [m for m in different if not any(set(m.forward) < set(other.forward) for other in different)]
