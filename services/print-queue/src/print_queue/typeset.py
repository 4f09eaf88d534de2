"""Typesetting a batch: a document in, a checked PDF out.

The compile runs in a short-lived process with a time limit. Before anything is returned, the PDF itself
is held against what was asked for, because a sheet on the back of another family's leaf would be a
disclosure, and nobody proofreads thirty classes a week.
"""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from print_queue.document import BatchDocument
from print_queue.layout import Layout, lay_out
from shared.errors import ForPeople
from shared.typesetting.compile import TIME_LIMIT, Compiled, CompileFailed, compile_pdf
from shared.typesetting.glyphs import Dropped

TEMPLATES = Path(__file__).parent / "sheets"


class TypesettingFailed(ForPeople):
    """The batch could not be put on paper; the text says what happened and what to do, in Russian."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a part of the batch lies; pages count from 1, `leaves` is paper when printed on both sides."""

    id: str
    first_page: int
    page_count: int

    @property
    def leaves(self) -> int:
        return (self.page_count + 1) // 2


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parts of a PDF in the order of their pages; empty back sides belong to no part."""

    cover: Placement
    sheets: tuple[Placement, ...]
    leaflets: tuple[Placement, ...]
    total_pages: int


@dataclass(frozen=True, slots=True)
class Typeset:
    """The PDF (byte-identical for equal documents), its SHA-256 in hex, its pages, what the font lacks."""

    pdf: bytes
    sha256: str
    pages: Manifest
    dropped: tuple[Dropped, ...]


def typeset(document: BatchDocument, *, time_limit: timedelta = TIME_LIMIT) -> Typeset:
    """Blocking: about half a second for a class. Raises `TypesettingFailed`."""
    layout = lay_out(document)
    compiled = _compile(document, layout, time_limit)
    manifest = _manifest(document, layout, compiled.marks, compiled.pdf)
    return Typeset(compiled.pdf, hashlib.sha256(compiled.pdf).hexdigest(), manifest, layout.dropped)


def _compile(document: BatchDocument, layout: Layout, time_limit: timedelta) -> Compiled:
    try:
        return compile_pdf(
            TEMPLATES, "batch.typ", layout.tree, created_at=document.created_at, time_limit=time_limit
        )
    except CompileFailed as error:
        raise _failure(document, str(error)) from error


def _manifest(document: BatchDocument, layout: Layout, marks: Mapping[str, Any], pdf: bytes) -> Manifest:
    """What lies where, after checking it against both the document and the PDF's own bookmarks."""
    begins, ends = marks["begin"], marks["end"]
    if len(begins) != len(ends):
        raise _failure(document, "у части пачки нет начала или конца")
    parts = [
        (
            str(begin["kind"]),
            Placement(str(begin["id"]), int(begin["page"]), int(end) - int(begin["page"]) + 1),
        )
        for begin, end in zip(begins, ends, strict=True)
    ]
    covers, sheets, leaflets = (
        tuple(part for kind, part in parts if kind == wanted) for wanted in ("cover", "sheet", "leaflet")
    )
    if len(covers) != 1:
        raise _failure(document, "у пачки должна быть одна обложка")
    if tuple(part.id for part in sheets) != layout.sheet_ids:
        raise _failure(document, "листы в пачке не те или не в том порядке")
    if len(leaflets) != len(document.without_consent):
        raise _failure(document, "памяток больше или меньше, чем семей без согласия")
    total = _check_pages(document, [part for _, part in parts], pdf)
    return Manifest(covers[0], sheets, leaflets, total)


def _check_pages(document: BatchDocument, parts: list[Placement], pdf: bytes) -> int:
    """The number of pages, once every part is known to start on a front side and to end before the next."""
    reader = PdfReader(io.BytesIO(pdf))
    total = len(reader.pages)
    for part, following in zip(parts, [*parts[1:], None], strict=True):
        if part.first_page % 2 == 0:
            raise _failure(document, f"лист {part.id} начинается на обороте чужого листа")
        if part.page_count < 1 or part.first_page + part.page_count > (
            following.first_page if following else total + 1
        ):
            raise _failure(document, f"страницы листа {part.id} заходят на соседний лист")
    bookmarked = [
        reader.get_destination_page_number(entry) for entry in reader.outline if not isinstance(entry, list)
    ]
    if bookmarked != [part.first_page - 1 for part in parts]:
        raise _failure(document, "страницы готового PDF расходятся с описью пачки")
    return total


def _failure(document: BatchDocument, reason: str) -> TypesettingFailed:
    return TypesettingFailed(
        f"Листы класса {document.class_name} за неделю {document.week} не свёрстаны: {reason}. "
        "Сведения недели сохранены, ничего не напечатано."
    )
