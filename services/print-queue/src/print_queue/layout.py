"""From a `BatchDocument` to the tree of ready texts that the Typst template lays out.

Everything a person reads is composed here or in `sections`; the template only places it. The tree holds
strings the font can draw and nothing else, so a name full of markup is printed as it is.
"""

import io
from collections import Counter
from dataclasses import dataclass

import segno

from print_queue import russian, wording
from print_queue.document import BatchDocument, Occasion, Person, Sheet
from print_queue.sections import blocks, is_quiet, quiet_sentences
from shared.typesetting.glyphs import Dropped, Json, filter_json, filter_text, report


@dataclass(frozen=True, slots=True)
class Layout:
    """The template's input, the sheets in the order they are printed, and what the font cannot draw."""

    tree: dict[str, Json]
    sheet_ids: tuple[str, ...]
    dropped: tuple[Dropped, ...]


def lay_out(document: BatchDocument) -> Layout:
    """Pure: equal documents give equal trees."""
    sheets = sorted(document.sheets, key=lambda sheet: _by_name(sheet.pupil, sheet.guardian))
    dropped: list[Dropped] = []

    def safe(value: Json, place: str) -> Json:
        lost: Counter[str] = Counter()
        kept = filter_json(value, lost)
        dropped.extend(report(place, lost))
        return kept

    tree: dict[str, Json] = {
        "common": safe(_common(document), "cover"),
        "cover": safe(_cover(document, sheets), "cover"),
        "sheets": [
            {"content": safe(_sheet(document, sheet), sheet.sheet_id), "qr": _qr(sheet.sheet_id)}
            for sheet in sheets
        ],
        "leaflets": len(document.without_consent),
    }
    return Layout(tree, tuple(sheet.sheet_id for sheet in sheets), tuple(dropped))


def _common(document: BatchDocument) -> Json:
    return {
        "school": document.school,
        "class": russian.quoted_class(document.class_name),
        "period": russian.period(document.period_from, document.period_to),
        "week": document.week,
        "created": [document.created_at.year, document.created_at.month, document.created_at.day],
        "created_text": russian.full_day(document.created_at.date()),
        "batch_id": document.batch_id,
        "teachers": russian.initials_glued(document.teachers),
        "title": _batch_title(document),
        "unmarked": document.unmarked,
        "final_marks": document.occasion is Occasion.FINAL_MARKS,
    }


def _batch_title(document: BatchDocument) -> str:
    if document.occasion is Occasion.FINAL_MARKS:
        return "Итоговые отметки для семей"
    return "Недельные листы для семей"


def _cover(document: BatchDocument, sheets: list[Sheet]) -> Json:
    without = sorted(document.without_consent, key=lambda family: _by_name(family.pupil, family.guardian))
    hand_out_by = document.hand_out_by
    return {
        "hand_out_by": ""
        if hand_out_by is None
        else f"{russian.weekday_and_day(hand_out_by.date())}, {hand_out_by:%H:%M}",
        "sheets": [
            {"id": sheet.sheet_id, "pupil": _name(sheet.pupil), "guardian": _name(sheet.guardian)}
            for sheet in sheets
        ],
        "sheets_text": russian.counted(len(sheets), "личный лист", "личных листа", "личных листов"),
        "leaflets": [
            {"pupil": _name(family.pupil), "guardian": _name(family.guardian)} for family in without
        ],
        "leaflets_text": russian.counted(len(without), "памятка", "памятки", "памяток"),
    }


def _sheet(document: BatchDocument, sheet: Sheet) -> Json:
    allowed = document.sections_of(sheet)
    return {
        "id": sheet.sheet_id,
        "pupil": _name(sheet.pupil),
        "guardian": _name(sheet.guardian),
        "greeting": russian.greeting(sheet.guardian.given_name, sheet.guardian.patronymic),
        "lead": _lead(document, sheet),
        "blocks": blocks(sheet, allowed),
        "quiet": "" if document.occasion is Occasion.FINAL_MARKS else quiet_sentences(sheet, allowed),
    }


def _lead(document: BatchDocument, sheet: Sheet) -> str:
    if document.occasion is Occasion.FINAL_MARKS:
        return wording.LEAD_FINAL_MARKS
    return wording.LEAD_QUIET if is_quiet(sheet, document.sections_of(sheet)) else wording.LEAD


def _qr(sheet_id: str) -> str:
    """SVG holding the sheet's id alone: whoever finds a slip learns nothing (R-D3)."""
    image = io.BytesIO()
    segno.make(sheet_id, error="m", micro=False).save(image, kind="svg", xmldecl=False, border=0)
    return image.getvalue().decode()


def _name(person: Person) -> str:
    """The full name, or words in its place: a title may not be empty, and the teacher must see the gap."""
    name = person.full_name
    return name if any(char.isalnum() for char in filter_text(name, Counter())) else wording.NAMELESS


def _by_name(pupil: Person, guardian: Person) -> tuple[object, ...]:
    return (
        russian.collation_key(pupil.full_name),
        russian.collation_key(guardian.full_name),
    )
