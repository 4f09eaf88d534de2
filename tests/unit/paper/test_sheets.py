"""Who gets a sheet and what stands on it, rule by rule."""

from datetime import date, timedelta
from uuid import UUID

from unit.paper.people import (
    CLASS,
    CLOSE,
    ELECTRONIC_ONLY,
    EVERYTHING,
    MONDAY,
    application,
    composed,
    consent,
    email,
    entry,
    paper_preference,
    pupil,
    tie,
    told_by,
)

from print_queue.document import EVERY_SECTION, Occasion, Section
from print_queue.document import Sheet as PaperSheet
from print_queue.entries import Entry
from shared.categories import Category
from shared.consent import Form
from shared.families import SchoolClass

PAPER = tie("paper", applications=(application(),))
ELECTRONIC = tie("electronic", sheets=(consent(EVERYTHING),), contacts=(email(),))


def mark(entity: str = "mark/1", of: str = "ivan", value: str = "4-", **more: object) -> Entry:
    return entry(Category.MARK, entity, pupil=of, mark={"value": value}, **more)  # type: ignore[arg-type]


def only(made: object) -> PaperSheet:
    (sheet,) = made.document.sheets  # type: ignore[attr-defined]
    assert isinstance(sheet, PaperSheet)
    return sheet


def test_a_quiet_week_has_a_sheet_too() -> None:
    """R-B5: every teaching week, also when nothing happened."""
    made = composed([pupil("ivan", PAPER)], [])
    assert only(made).covers == EVERY_SECTION


def test_a_mark_stands_with_what_it_was_given_for() -> None:
    """R-A1, R-A9: subject, lesson date, topic, kind of work, weight, comment; any scale."""
    made = composed([pupil("ivan", PAPER)], [mark(comment="аккуратнее")])
    (line,) = only(made).marks
    assert (line.course, line.value, line.topic, line.work) == (
        "Алгебра",
        "4-",
        "Корни",
        "контрольная работа",
    )
    assert (line.lesson_date, str(line.weight), line.comment) == (date(2026, 11, 17), "2", "аккуратнее")


def test_a_postponed_final_mark_is_told_as_postponed() -> None:
    """R-A2."""
    made = composed(
        [pupil("ivan", PAPER)], [entry(Category.FINAL_MARK, "f/1", pupil="ivan", postponed=True, mark=None)]
    )
    assert [line.value for line in only(made).final_marks] == [None]


def test_the_electronic_guardian_of_the_same_pupil_gets_no_sheet() -> None:
    """R-C7: each guardian of a child separately."""
    made = composed([pupil("ivan", ELECTRONIC, PAPER)], [mark()])
    assert list(made.owners.values()) == [("ivan", "paper")]


def test_only_paper_allowed_means_paper() -> None:
    """DESIGN §8: consent to paper alone, no address."""
    made = composed([pupil("ivan", tie("g", sheets=(consent("4.3 6.10"),)))], [mark()])
    assert only(made).covers == EVERY_SECTION
    assert len(only(made).marks) == 1


def test_paper_consent_without_progress_brings_no_marks() -> None:
    """R-C4: 6.10 without 4.3 opens school life, not progress."""
    made = composed(
        [pupil("ivan", tie("g", sheets=(consent("6.10"),)))],
        [
            mark(),
            entry(Category.HOMEWORK, "h/1", pupil="ivan", text="личное"),
            entry(Category.HOMEWORK, "h/2", class_name="7Б", text="общее"),
        ],
    )
    sheet = only(made)
    assert sheet.marks == ()
    assert [line.text for line in sheet.homework] == ["общее"]
    assert Section.MARK not in sheet.covers


def test_an_unconfirmed_address_reaches_nobody_so_paper_does() -> None:
    """R-C6."""
    guardian = tie("g", sheets=(consent(EVERYTHING),), contacts=(email(confirmed=False),))
    assert len(composed([pupil("ivan", guardian)], []).document.sheets) == 1


def test_a_channel_that_is_off_reaches_nobody_so_paper_does() -> None:
    """DESIGN §6, step 6."""
    made = composed([pupil("ivan", ELECTRONIC)], [mark()], switched_on=frozenset())
    assert len(only(made).marks) == 1


def test_without_consent_to_paper_an_unreachable_family_gets_none() -> None:
    """R-C4: paper is not a way round a missing 6.10."""
    made = composed([pupil("ivan", tie("g", sheets=(consent(ELECTRONIC_ONLY),)))], [mark()])
    assert made.document.sheets == ()
    assert made.document.without_consent == ()


def test_a_preference_brings_its_category_alone() -> None:
    """R-C7: channel by category."""
    guardian = tie(
        "g", sheets=(consent(EVERYTHING),), contacts=(email(),), preferences=paper_preference("attendance")
    )
    made = composed([pupil("ivan", guardian)], [mark(), entry(Category.ATTENDANCE, "a/1", pupil="ivan")])
    sheet = only(made)
    assert sheet.covers == {Section.ATTENDANCE}
    assert (sheet.marks, len(sheet.attendance)) == ((), 1)


def test_an_application_brings_what_it_asks_for() -> None:
    """R-C1: the scope of the application."""
    guardian = tie("g", applications=(application(scope=(Category.MARK,)),))
    made = composed([pupil("ivan", guardian)], [mark(), entry(Category.REMARK, "r/1", pupil="ivan")])
    assert only(made).covers == {Section.MARK}
    assert only(made).remarks == ()


def test_withdrawn_consent_silences_paper_and_asks_again() -> None:
    """R-B8, R-C11: no personal sheet, a leaflet; the teacher's cover says for whom."""
    guardian = tie(
        "g",
        sheets=(consent(EVERYTHING, withdrawn_on=date(2026, 11, 18)),),
        applications=(application(),),
    )
    made = composed([pupil("ivan", guardian)], [mark()])
    assert made.document.sheets == ()
    assert [family.pupil.family_name for family in made.document.without_consent] == ["Ученикivan"]


def test_a_family_of_whom_one_guardian_agreed_needs_no_leaflet() -> None:
    """R-B8: what another guardian's sheet covers stays."""
    silent = tie("silent")
    assert composed([pupil("ivan", silent, ELECTRONIC)], []).document.without_consent == ()
    assert len(composed([pupil("ivan", silent)], []).document.without_consent) == 1


def test_a_restricted_guardian_gets_nothing() -> None:
    """R-D4: whatever else is set, not even a leaflet."""
    guardian = tie("g", applications=(application(),), restricted_from=date(2026, 11, 1))
    made = composed([pupil("ivan", guardian)], [mark()])
    assert (made.document.sheets, made.document.without_consent) == ((), ())


def test_at_eighteen_the_pupil_decides() -> None:
    """R-C8."""
    own = tie("self", applications=(application(),), relation="self")
    made = composed([pupil("ivan", PAPER, own, birth_date=date(2008, 11, 1))], [mark()])
    assert list(made.owners.values()) == [("ivan", "self")]


def test_nothing_later_than_the_day_a_pupil_left_is_told() -> None:
    """R-B7."""
    left = pupil("ivan", PAPER, left_on=date(2026, 11, 17))
    later = {"lesson": {"date": "2026-11-18"}}
    made = composed([left], [mark(), mark("mark/2", **later)])
    assert [line.lesson_date for line in only(made).marks] == [date(2026, 11, 17)]
    assert composed([pupil("ivan", PAPER, left_on=date(2026, 11, 13))], []).document.sheets == ()


def test_a_class_without_marks_is_told_none() -> None:
    """R-A10: attendance and communication only."""
    first = SchoolClass("7Б", "1", unmarked=True)
    entries = [
        entry(category, f"{category}/1", pupil="ivan")
        for category in (Category.MARK, Category.FINAL_MARK, Category.FORECAST, Category.HOMEWORK)
    ]
    entries += [
        entry(Category.ASSESSMENT, "t/1", class_name="7Б"),
        entry(Category.ATTENDANCE, "a/1", pupil="ivan"),
    ]
    sheet = only(composed([pupil("ivan", PAPER)], entries, school_class=first))
    assert sheet.covers == {Section.ATTENDANCE, Section.LESSON, Section.REMARK, Section.ANNOUNCEMENT}
    assert [section for section, lines in sheet.entries.items() if lines] == [Section.ATTENDANCE]


def test_a_subgroup_is_told_to_its_own() -> None:
    """R-A13."""
    homework = entry(
        Category.HOMEWORK, "h/1", class_name="7Б", group="английский 1", pupils=("ivan",), text="стр. 5"
    )
    made = composed([pupil("ivan", PAPER), pupil("anna", PAPER)], [homework])
    texts = {made.owners[sheet.sheet_id][0]: sheet.homework for sheet in made.document.sheets}
    assert [line.group for line in texts["ivan"]] == ["английский 1"]
    assert texts["anna"] == ()


def test_announcements_reach_class_grade_and_school() -> None:
    """R-A8."""
    entries = [
        entry(Category.ANNOUNCEMENT, "n/1", class_name="7Б", title="класс"),
        entry(Category.ANNOUNCEMENT, "n/2", grade="7", title="параллель"),
        entry(Category.ANNOUNCEMENT, "n/3", title="школа"),
        entry(Category.ANNOUNCEMENT, "n/4", class_name="7А", title="чужой класс"),
        entry(Category.ANNOUNCEMENT, "n/5", grade="8", title="чужая параллель"),
    ]
    made = composed([pupil("ivan", PAPER)], entries)
    assert {line.title for line in only(made).announcements} == {"класс", "параллель", "школа"}


def test_presence_is_not_news() -> None:
    """DESIGN §6: present, exempt and remote tell nothing unless they correct an absence."""
    entries = [
        entry(Category.ATTENDANCE, f"a/{raw}", pupil="ivan", attendance=raw)
        for raw in ("present", "exempt", "remote", "late")
    ]
    (line,) = only(composed([pupil("ivan", PAPER)], entries)).attendance
    assert line.attendance == "late"


def test_what_was_removed_before_printing_is_not_shown() -> None:
    """R-A11."""
    made = composed([pupil("ivan", PAPER)], [mark(removed=True)])
    assert (only(made).marks, only(made).corrections) == ((), ())


def test_a_changed_mark_corrects_the_sheet_that_told_it() -> None:
    """R-A11: only the families that read it, with what they read."""
    first = composed([pupil("ivan", PAPER)], [mark(value="3")])
    again = mark(value="5", revision=2)
    made = composed([pupil("ivan", PAPER), pupil("anna", PAPER)], [again], told=told_by(first))
    sheets = {made.owners[sheet.sheet_id][0]: sheet for sheet in made.document.sheets}
    (correction,) = sheets["ivan"].corrections
    assert (correction.before, correction.now) == ("3", "5")
    assert "Алгебра" in correction.what
    assert sheets["ivan"].marks == ()
    assert sheets["anna"].corrections == ()


def test_a_guardian_who_read_nothing_gets_the_new_mark_as_news() -> None:
    """R-A11: a correction needs an earlier sheet of this pupil and guardian."""
    other = tie("other", applications=(application(),))
    first = composed([pupil("ivan", PAPER)], [mark(value="3")])
    made = composed([pupil("ivan", other)], [mark(value="5", revision=2)], told=told_by(first))
    assert ([line.value for line in only(made).marks], only(made).corrections) == (["5"], ())


def test_a_removed_mark_is_taken_back() -> None:
    """R-A11: and may come again as news."""
    first = composed([pupil("ivan", PAPER)], [mark(value="2")])
    removed = mark(value="2", revision=2, removed=True)
    second = composed([pupil("ivan", PAPER)], [removed], told=told_by(first))
    assert [(one.before, one.now) for one in only(second).corrections] == [("2", None)]
    third = composed([pupil("ivan", PAPER)], [mark(value="4", revision=3)], told=told_by(second))
    assert ([line.value for line in only(third).marks], only(third).corrections) == (["4"], ())


def test_a_moved_lesson_corrects_what_the_entry_is_about() -> None:
    """R-A11."""
    first = composed([pupil("ivan", PAPER)], [mark()])
    moved = mark(revision=2, lesson={"date": "2026-11-18", "topic": "Корни"})
    (correction,) = only(composed([pupil("ivan", PAPER)], [moved], told=told_by(first))).corrections
    assert "17\u00a0ноября" in correction.before
    assert "18\u00a0ноября" in str(correction.now)


def test_a_revision_that_reads_the_same_corrects_nothing() -> None:
    first = composed([pupil("ivan", PAPER)], [mark()])
    made = composed([pupil("ivan", PAPER)], [mark(revision=2)], told=told_by(first))
    assert (only(made).corrections, only(made).marks) == ((), ())


def test_an_absence_excused_later_is_corrected() -> None:
    """R-A3, R-A11: presence corrects an absence that was told."""
    first = composed([pupil("ivan", PAPER)], [entry(Category.ATTENDANCE, "a/1", pupil="ivan")])
    later = entry(Category.ATTENDANCE, "a/1", pupil="ivan", revision=2, attendance="present")
    (correction,) = only(composed([pupil("ivan", PAPER)], [later], told=told_by(first))).corrections
    assert (correction.before, correction.now) == ("отсутствие по болезни", "присутствие на уроке")


def test_a_late_mark_is_news_with_its_lessons_date() -> None:
    """R-A12: an earlier lesson, appeared this week."""
    late = mark(lesson={"date": "2026-11-10", "topic": "Степени"})
    sheet = only(composed([pupil("ivan", PAPER)], [late]))
    assert [line.lesson_date for line in sheet.marks] == [date(2026, 11, 10)]
    assert sheet.corrections == ()


def test_what_appeared_in_another_week_is_not_repeated() -> None:
    assert only(composed([pupil("ivan", PAPER)], [mark(fresh=False)])).marks == ()


def test_the_latest_forecast_of_an_open_period_stands_on_every_sheet() -> None:
    """R-A7: also when it was computed weeks ago; not when the period is over or its mark known."""
    closed = {"period": {"kind": "quarter", "name": "1 четверть", "ends_on": "2026-10-30"}}
    entries = [
        entry(
            Category.FORECAST,
            "p/1",
            pupil="ivan",
            fresh=False,
            at=MONDAY - timedelta(30),
            mark={"value": "3"},
        ),
        entry(
            Category.FORECAST,
            "p/2",
            pupil="ivan",
            fresh=False,
            at=MONDAY - timedelta(20),
            mark={"value": "4"},
        ),
        entry(Category.FORECAST, "p/3", pupil="ivan", **closed),
        entry(Category.FORECAST, "p/4", pupil="ivan", course={"name": "Физика"}),
        entry(
            Category.FINAL_MARK,
            "f/1",
            pupil="ivan",
            fresh=False,
            period={"kind": "quarter", "name": "2 четверть"},
        ),
        entry(Category.FORECAST, "p/5", pupil="anna", course={"name": "Биология"}),
    ]
    sheet = only(composed([pupil("ivan", PAPER)], entries))
    assert [(line.course, line.mark, str(line.average)) for line in sheet.forecasts] == [
        ("Химия", "4", "4.25")
    ]
    assert sheet.final_marks == ()


def test_a_family_whose_addresses_failed_reads_what_it_missed() -> None:
    """R-E5: a sheet this week, with the change that did not arrive though it is of the week before."""
    missed = mark(value="2", fresh=False)
    moves: dict[tuple[str, str], frozenset[UUID]] = {("ivan", "electronic"): frozenset({missed.change})}
    made = composed([pupil("ivan", ELECTRONIC)], [missed, mark("mark/2", value="5")], moves=moves)
    assert {line.value for line in only(made).marks} == {"2", "5"}
    assert composed([pupil("ivan", ELECTRONIC)], [missed]).document.sheets == ()


def test_failed_addresses_open_no_door_the_papers_keep_shut() -> None:
    """R-E5, R-C4."""
    guardian = tie("g", sheets=(consent(ELECTRONIC_ONLY),), contacts=(email(),))
    moves: dict[tuple[str, str], frozenset[UUID]] = {("ivan", "g"): frozenset()}
    assert composed([pupil("ivan", guardian)], [mark()], moves=moves).document.sheets == ()


def test_final_marks_go_on_an_extra_sheet_of_their_own() -> None:
    """R-B1: only those who have something to read get one; the week's sheet tells them too (R-E1)."""
    final = entry(Category.FINAL_MARK, "f/1", pupil="ivan")
    pupils = [pupil("ivan", PAPER, ELECTRONIC), pupil("anna", PAPER)]
    extra = composed(pupils, [final, mark()], kind=Occasion.FINAL_MARKS)
    assert list(extra.owners.values()) == [("ivan", "paper")]
    assert (len(only(extra).final_marks), only(extra).marks) == (1, ())
    again = composed(pupils, [final], kind=Occasion.FINAL_MARKS, told=told_by(extra, weekly=False))
    assert again.document.sheets == ()
    week = composed([pupils[0]], [final], told=told_by(extra, weekly=False))
    assert len(only(week).final_marks) == 1


def test_weekly_email_is_not_paper() -> None:
    """R-B6."""
    guardian = tie(
        "g",
        sheets=(consent(EVERYTHING),),
        applications=(application(Form.WEEKLY_EMAIL),),
        contacts=(email(),),
    )
    assert composed([pupil("ivan", guardian)], [mark()]).document.sheets == ()


def test_the_cover_knows_its_class_and_days() -> None:
    document = composed([pupil("ivan", PAPER)], []).document
    assert (document.class_name, document.week) == (CLASS.name, "2026-W47")
    assert (document.period_from, document.period_to) == (MONDAY.date(), CLOSE.date())
