"""Whatever a class is made of: each sheet holds exactly what its guardian's papers give to paper.

The oracle knows families by what their secretary would say of them, in a table written by hand; it knows
nothing of consent items, channels or routing.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.paper.people import (
    CLASS,
    ELECTRONIC_ONLY,
    EVERYTHING,
    application,
    composed,
    consent,
    email,
    entry,
    paper_preference,
    pupil,
    tie,
)

from print_queue.document import Sheet
from shared.categories import Category
from shared.consent import Form
from shared.families import Guardianship, Pupil, SchoolClass

PERSONAL = {Category.MARK, Category.FINAL_MARK, Category.FORECAST, Category.ATTENDANCE, Category.REMARK}
COMMON = {Category.LESSON, Category.ASSESSMENT, Category.ANNOUNCEMENT}
ALL = PERSONAL | COMMON | {Category.HOMEWORK}
UNTOLD_IN_GRADE_1 = {
    Category.MARK,
    Category.FINAL_MARK,
    Category.FORECAST,
    Category.HOMEWORK,
    Category.ASSESSMENT,
}
LONG_OVER = date(2026, 10, 1)


@dataclass(frozen=True)
class Family:
    """What the papers say, and what paper brings by them: for personal and for common news."""

    personal: frozenset[Category]
    common: frozenset[Category]
    papers: dict[str, Any]
    consented: bool = True


def family(
    personal: set[Category], common: set[Category], *, consented: bool = True, **papers: Any
) -> Family:
    return Family(frozenset(personal), frozenset(common), papers, consented)


FAMILIES: dict[str, Family] = {
    "asked for paper": family(ALL, ALL, applications=(application(),)),
    "asked for attendance on paper": family(
        {Category.ATTENDANCE},
        {Category.ATTENDANCE},
        applications=(application(scope=(Category.ATTENDANCE,)),),
    ),
    "agreed to everything, reads mail": family(
        set(), set(), sheets=(consent(EVERYTHING),), contacts=(email(),)
    ),
    "agreed to everything, has no address": family(ALL, ALL, sheets=(consent(EVERYTHING),)),
    "agreed to electronics, has no address": family(set(), set(), sheets=(consent(ELECTRONIC_ONLY),)),
    "agreed to paper for school life": family(
        {Category.ATTENDANCE}, COMMON | {Category.HOMEWORK}, sheets=(consent("6.10"),)
    ),
    "reads mail, wants homework on paper": family(
        {Category.HOMEWORK},
        {Category.HOMEWORK},
        sheets=(consent(EVERYTHING),),
        contacts=(email(),),
        preferences=paper_preference("homework"),
    ),
    "weekly mail": family(
        set(),
        set(),
        sheets=(consent(EVERYTHING),),
        contacts=(email(),),
        applications=(application(Form.WEEKLY_EMAIL),),
    ),
    "withdrew": family(
        set(),
        set(),
        consented=False,
        sheets=(consent(EVERYTHING, withdrawn_on=LONG_OVER),),
        applications=(application(),),
    ),
    "consent ran out": family(
        set(),
        set(),
        consented=False,
        sheets=(consent(EVERYTHING, valid_until=LONG_OVER),),
        applications=(application(),),
    ),
    "signed nothing": family(set(), set(), consented=False),
}
RESTRICTED = "restricted by court"

kinds = st.sampled_from([*FAMILIES, RESTRICTED])
pupils_of_class = st.lists(st.lists(kinds, min_size=1, max_size=3), min_size=1, max_size=5)


@dataclass(frozen=True)
class Happening:
    category: Category
    whose: int | None  # a pupil's number; None for the class
    group: tuple[int, ...]
    removed: bool
    fresh: bool


happenings = st.lists(
    st.builds(
        Happening,
        st.sampled_from(sorted(ALL - {Category.FORECAST})),
        st.integers(0, 4),
        st.lists(st.integers(0, 4), max_size=3).map(tuple),
        st.booleans(),
        st.booleans(),
    ),
    max_size=12,
)


def guardianship(number: int, place: int, kind: str) -> Guardianship:
    name = f"g{number}-{place}"
    if kind == RESTRICTED:
        return tie(name, applications=(application(),), restricted_from=LONG_OVER)
    return tie(name, **FAMILIES[kind].papers)


def token(number: int) -> str:
    return f"знак{number}з"


def made_entry(number: int, happening: Happening) -> Any:
    common = happening.category in COMMON or (
        happening.category is Category.HOMEWORK and bool(happening.group)
    )
    text = {
        Category.REMARK: {"text": token(number)},
        Category.HOMEWORK: {"text": token(number)},
        Category.ANNOUNCEMENT: {"text": token(number)},
    }.get(happening.category, {"course": {"name": token(number)}})
    return entry(
        happening.category,
        f"e/{number}",
        pupil=None if common else f"p{happening.whose}",
        class_name=CLASS.name,
        pupils=tuple(f"p{one}" for one in happening.group) if common else (),
        removed=happening.removed,
        fresh=happening.fresh,
        **text,
    )


def expected_tokens(number: int, kind: str, happened: list[Happening], *, unmarked: bool) -> set[str]:
    found = set()
    for index, one in enumerate(happened):
        common = one.category in COMMON or (one.category is Category.HOMEWORK and bool(one.group))
        if one.removed or not one.fresh or (unmarked and one.category in UNTOLD_IN_GRADE_1):
            continue
        if common and one.group and number not in one.group:
            continue
        if not common and one.whose != number:
            continue
        if one.category in (FAMILIES[kind].common if common else FAMILIES[kind].personal):
            found.add(token(index))
    return found


def tokens_of(sheet: Sheet, count: int) -> set[str]:
    text = repr(sheet)
    return {token(index) for index in range(count) if token(index) in text}


@settings(max_examples=150, deadline=None)
@given(pupils_of_class, happenings, st.booleans())
def test_exactly_what_the_papers_give(
    class_: list[list[str]],
    happened: list[Happening],
    unmarked: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    """R-C4, R-C7, R-D4, R-A10, R-A13, R-B5: every paper family has its sheet, quiet weeks too; nothing
    stands on it that is not its own; families without consent are on the cover alone."""
    school_class = SchoolClass(CLASS.name, "1" if unmarked else "7", unmarked=unmarked)
    people: list[Pupil] = [
        pupil(f"p{number}", *(guardianship(number, place, kind) for place, kind in enumerate(kinds_)))
        for number, kinds_ in enumerate(class_)
    ]
    made = composed(
        people,
        [made_entry(number, one) for number, one in enumerate(happened)],
        school_class=school_class,
    )
    silent = UNTOLD_IN_GRADE_1 if unmarked else set()
    due = {
        (f"p{number}", f"g{number}-{place}"): expected_tokens(number, kind, happened, unmarked=unmarked)
        for number, kinds_ in enumerate(class_)
        for place, kind in enumerate(kinds_)
        if kind != RESTRICTED and (FAMILIES[kind].personal | FAMILIES[kind].common) - silent
    }
    found = {made.owners[sheet.sheet_id]: tokens_of(sheet, len(happened)) for sheet in made.document.sheets}
    assert found == due
    leaflets = {family.pupil.family_name for family in made.document.without_consent}
    assert leaflets == {
        f"Ученикp{number}"
        for number, kinds_ in enumerate(class_)
        if (entitled := [kind for kind in kinds_ if kind != RESTRICTED])
        and not any(FAMILIES[kind].consented for kind in entitled)
    }
