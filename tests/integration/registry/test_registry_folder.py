"""The registry folder, DESIGN §4: what is loaded, what is refused and why, and what a list never undoes."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from support.lists import (
    ACCOUNTS,
    APPLICATIONS,
    BASE,
    CLASSES,
    CONSENTS,
    CONTACTS,
    PREFERENCES,
    PUPILS,
    SCHOOLS,
    TIES,
    TODAY,
    Registry,
    reasons,
)

from ingest import roster
from shared.import_report import Report
from shared.list_folder import Folder

P256DH = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"
PUSH = (
    '{"keys": {"p256dh": "%s", "auth": "tBHItJI5svbpez7KI4CCXg"}, "endpoint": "%s", "expirationTime": null}'
)


async def test_a_whole_folder_arrives_as_written(registry: Registry) -> None:
    """§4: every file, both kinds of dates, defaults of class, phone and mail in one spelling."""
    report = await registry.load(BASE)
    assert reasons(report) == []
    assert {name: count.changed for name, count in report.files.items()} == {
        **dict.fromkeys(BASE, 1),
        "calendar.csv": 2,
        "classes.csv": 2,
        "pupils.csv": 2,
        "guardianships.csv": 2,
    }
    fifth = await registry.one("SELECT * FROM roster.class WHERE class = '5А'")
    assert (fifth["teachers"], fifth["days"], fifth["shift"], fifth["unmarked"]) == (
        ["orlova", "petrov"],
        6,
        2,
        False,
    )
    first = await registry.one("SELECT * FROM roster.class WHERE class = '1Б'")
    assert (first["teachers"], first["days"], first["shift"], first["unmarked"]) == ([], 5, 1, True)
    pupil = await registry.one("SELECT * FROM roster.pupil WHERE pupil = 'p-2'")
    assert pupil["birth_date"] == date(2019, 3, 4)
    assert pupil["patronymic"] == ""
    day_off = await registry.one("SELECT * FROM roster.calendar WHERE kind = 'day_off'")
    assert day_off["from_on"] == day_off["to_on"] == date(2026, 11, 4)
    contact = await registry.one("SELECT * FROM consent.contact")
    assert contact["address"] == "Olga@mail.ru"
    assert contact["confirmed_at"] == datetime(2026, 9, 1, 7, 0, tzinfo=UTC)  # 10:00 of the school
    sheet = await registry.one("SELECT * FROM consent.sheet")
    assert sorted(sheet["items"]) == ["1.3", "4.3", "6.10", "6.9"]
    application = await registry.one("SELECT * FROM consent.application")
    assert application["scope"] == ["mark", "remark"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
@pytest.mark.parametrize("delimiter", [",", ";"])
async def test_encodings_and_delimiters(registry: Registry, encoding: str, delimiter: str) -> None:
    """§4: UTF-8 with and without BOM, windows-1251; `,` or `;` as the header row shows; CRLF too."""
    pupils = PUPILS.replace(",", delimiter).replace("\n", "\r\n").encode(encoding)
    report = await registry.load({**BASE, "classes.csv": CLASSES.encode(encoding), "pupils.csv": pupils})
    assert reasons(report) == []
    pupil = await registry.one("SELECT * FROM roster.pupil WHERE pupil = 'p-1'")
    assert (pupil["family_name"], pupil["class"]) == ("Соколов", "5А")


async def test_a_second_import_changes_nothing(registry: Registry) -> None:
    """§4 upsert only: not a row is written again, and no cache is told to read anew."""
    await registry.load(BASE)
    before, epochs = await registry.everything(), await registry.epochs()
    report = await registry.load(BASE)
    assert sum(count.changed for count in report.files.values()) == 0
    assert await registry.everything() == before
    assert await registry.epochs() == epochs


async def test_absence_deletes_nothing(registry: Registry) -> None:
    """§4: a row, a file, a column that is not there leaves what is there."""
    await registry.load(BASE)
    before = await registry.everything()
    report = await registry.load({"pupils.csv": "school;pupil;class;given_name\nilinskaya;p-1;5А;Иван\n"})
    assert await registry.everything() == before
    assert any("guardians.csv" in note for note in report.notes)
    assert any("pupils.csv" in note and "patronymic" in note for note in report.notes)


async def test_an_empty_cell_undoes_nothing(registry: Registry) -> None:
    """§4: neither in the roster nor in the papers; a withdrawal least of all (R-B8)."""
    await registry.load(BASE)
    await registry.ingest.execute(
        "UPDATE roster.pupil SET left_on = '2026-11-01', left_reason = 'переезд', patronymic = 'Петрович'"
    )
    await registry.ingest.execute("UPDATE roster.class SET unmarked = true, days = 6, teachers = '{zueva}'")
    await registry.dispatcher.execute("UPDATE consent.sheet SET withdrawn_on = '2026-11-10'")
    await registry.dispatcher.execute(
        "UPDATE consent.contact SET stopped_at = now(), stopped_because = 'bounce'"
    )
    empty = {
        "pupils.csv": PUPILS.replace("Петрович", "").replace("2022-09-01", ""),
        "classes.csv": CLASSES.replace("orlova;petrov,6,2", ",,"),
        "guardianships.csv": TIES.replace("2026-01-01,2026-02-01", ","),
        "contacts.csv": CONTACTS.replace("2026-09-01 10:00", ""),
        "consents.csv": CONSENTS.replace("1.3 4.3; 6.9,6.10", "").replace("2027-08-31", ""),
        "applications.csv": APPLICATIONS.replace("mark remark", ""),
        "accounts.csv": ACCOUNTS,
    }
    before = await registry.everything()
    report = await registry.load({**BASE, **empty})
    assert reasons(report) == []
    assert await registry.everything() == before


async def test_a_withdrawal_can_be_told_by_list_but_not_postponed(registry: Registry) -> None:
    """R-B8: the earliest withdrawal stands, whichever way it came."""
    await registry.load(BASE)
    for written, stands in (
        ("2026-11-10", "2026-11-10"),
        ("2026-12-01", "2026-11-10"),
        ("2026-11-05", "2026-11-05"),
    ):
        report = await registry.load(
            {**BASE, "consents.csv": CONSENTS.replace("2027-08-31,", f"2027-08-31,{written}")}
        )
        assert reasons(report) == []
        sheet = await registry.one("SELECT withdrawn_on FROM consent.sheet")
        assert sheet["withdrawn_on"] == date.fromisoformat(stands)


async def test_grade_one_is_unmarked_until_the_class_grows_up(registry: Registry) -> None:
    """R-A10: an empty `unmarked` means yes in grade 1, also when a class of the same name becomes grade 2."""
    await registry.load(BASE)
    await registry.load({**BASE, "classes.csv": CLASSES.replace("1Б,1,", "1Б,2,")})
    assert (await registry.one("SELECT unmarked FROM roster.class WHERE class = '1Б'"))["unmarked"] is False
    await registry.load({**BASE, "classes.csv": CLASSES.replace("5А,5,orlova;petrov,6,2,", "5А,5,,,,yes")})
    assert (await registry.one("SELECT unmarked FROM roster.class WHERE class = '5А'"))["unmarked"] is True


async def test_epochs_rise_for_touched_schools_only(registry: Registry) -> None:
    """Caches of a school nobody touched stay: the epoch rises in the same transaction as the rows."""
    two = SCHOOLS + "gogol,Школа Гоголя,Asia/Vladivostok\n"
    await registry.load({**BASE, "schools.csv": two})
    assert await registry.epochs() == {"roster/ilinskaya": 1, "roster/gogol": 1, "consent/ilinskaya": 1}
    await registry.load({**BASE, "schools.csv": two, "pupils.csv": PUPILS.replace("Иван", "Илья")})
    assert await registry.epochs() == {"roster/ilinskaya": 2, "roster/gogol": 1, "consent/ilinskaya": 1}
    changed = {"preferences.csv": PREFERENCES.replace("daily", "weekly"), "schools.csv": two}
    await registry.load({**BASE, **changed, "pupils.csv": PUPILS.replace("Иван", "Илья")})
    assert await registry.epochs() == {"roster/ilinskaya": 2, "roster/gogol": 1, "consent/ilinskaya": 2}


REFUSED = [
    ("schools.csv", "gogol,Школа,Europe/Moskow", "Europe/Moskow"),
    ("schools.csv", "a/b,Школа,Europe/Moscow", "«/»"),
    ("schools.csv", ",Школа,Europe/Moscow", "school"),
    ("schools.csv", "x" * 256 + ",Школа,Europe/Moscow", "длиннее 255"),
    ("schools.csv", "ilinskaya,Ещё раз,Europe/Moscow", "строке 2"),
    ("calendar.csv", "ilinskaya,2026-09-10,2026-09-01,term,", "раньше"),
    ("calendar.csv", "ilinskaya,2026-09-10,,fair,", "kind"),
    ("calendar.csv", "gogol,2026-09-10,,term,", "школы gogol нет"),
    ("classes.csv", "ilinskaya,6А,,,,,", "grade"),
    ("classes.csv", "ilinskaya,6А,6,,7,,", "days"),
    ("classes.csv", "ilinskaya,6А,6,,5,3,", "shift"),
    ("classes.csv", "ilinskaya,6А,6,,5,1,возможно", "unmarked"),
    ("pupils.csv", "ilinskaya,p-9,7В,Орлов,Пётр,,,,,", "класса 7В"),
    ("pupils.csv", "ilinskaya,p-9,5А,,,,,,,", "family_name"),
    ("pupils.csv", "ilinskaya,p-9,5А,Орлов,Пётр,,31.02.2015,,,", "31.02.2015"),
    ("pupils.csv", "ilinskaya,p-9,5А,Орлов,Пётр,,0215-02-01,,,", "0215-02-01"),
    ("pupils.csv", "ilinskaya,p-9,5А,Орлов,Пётр,,,2026-09-01,2026-08-01,", "выбыл"),
    ("pupils.csv", "ilinskaya,p-1,5А,Орлов,Пётр,,,,,", "строке 2"),
    ("pupils.csv", "ilinskaya,p-9,5А,Ор\x07лов,Пётр,,,,,", "непечатный"),
    ("pupils.csv", "ilinskaya,p-9,5А,Ор\x00лов,Пётр,,,,,", "непечатный"),
    ("pupils.csv", "ilinskaya,p-9,5А,Орлов,Пётр,,,,,,лишнее", "больше значений"),
    ("pupils.csv", 'ilinskaya,p-9,5А,"Орлов"а,Пётр,,,,,', "кавычка"),
    ("guardians.csv", "ilinskaya,,Орлова,Нина,,", "guardian"),
    ("guardianships.csv", "ilinskaya,p-9,g-1,mother,,", "ученика p-9"),
    ("guardianships.csv", "ilinskaya,p-1,g-9,mother,,", "представителя g-9"),
    ("guardianships.csv", "ilinskaya,p-1,g-1,aunt,,", "relation"),
    ("guardianships.csv", "ilinskaya,p-1,g-1,mother,2026-05-01,2026-04-01", "ограничение"),
    ("contacts.csv", "ilinskaya,g-9,email,a@mail.ru,", "представителя g-9"),
    ("contacts.csv", "ilinskaya,g-1,fax,1,", "channel"),
    ("contacts.csv", "ilinskaya,g-1,email,a..b@mail.ru,", "электронной почты"),
    ("contacts.csv", "ilinskaya,g-1,email,a@mail.ru,вчера", "confirmed_at"),
    ("contacts.csv", "ilinskaya,g-1,email,OLGA@mail.ru;,", "электронной почты"),
    ("contacts.csv", "ilinskaya,g-1,email,Olga@mail.ru,", "строке 2"),
    ("contacts.csv", "ilinskaya,g-1,sms,+7 495 123-45-67,", "мобильный"),
    ("contacts.csv", "ilinskaya,g-1,sms,12345,", "телефона"),
    ("contacts.csv", "ilinskaya,g-1,push,nothing,", "подписка"),
    ("contacts.csv", "ilinskaya,g-1,push,[],", "подписка"),
    ("consents.csv", "ilinskaya,p-1,g-1,2,2026-09-01,1.3 7.1,,", "7.1"),
    ("consents.csv", "ilinskaya,p-1,g-1,,2026-09-01,1.3,,", "number"),
    ("consents.csv", "ilinskaya,p-1,g-1,2,,1.3,,", "signed_on"),
    ("consents.csv", "ilinskaya,p-1,g-1,2,2026-09-01,1.3,2026-08-01,", "срок"),
    ("consents.csv", "ilinskaya,p-1,g-1,2,2026-09-01,1.3,,2026-08-01", "отзыв"),
    ("consents.csv", "ilinskaya,p-1,g-9,2,2026-09-01,1.3,,", "не записан представителем"),
    ("applications.csv", "ilinskaya,p-1,g-1,8,2026-09-01,telegram,", "form"),
    ("applications.csv", "ilinskaya,p-1,g-1,8,2026-09-01,paper,marks", "marks"),
    ("applications.csv", "ilinskaya,p-2,g-2,8,2026-09-01,paper,", "не записан представителем"),
    ("preferences.csv", "ilinskaya,g-1,marks,email,daily", "category"),
    ("preferences.csv", "ilinskaya,g-1,mark,pigeon,daily", "channel"),
    ("preferences.csv", "ilinskaya,g-1,mark,email,hourly", "mode"),
    ("preferences.csv", "ilinskaya,g-1,*,sms,daily", "строке 2"),
    ("accounts.csv", "ilinskaya,zueva,director,Зуева,", "role"),
    ("accounts.csv", "ilinskaya,zueva,teacher,Зуева,at mail", "электронной почты"),
    ("accounts.csv", "gogol,zueva,teacher,Зуева,", "школы gogol нет"),
]


@pytest.mark.parametrize("file", BASE)
async def test_each_slip_is_refused_by_file_line_and_reason(registry: Registry, file: str) -> None:
    """§4: reports by file, line and reason, and imports the rest."""
    good = BASE[file].count("\n")
    cases = [(row, words) for name, row, words in REFUSED if name == file]
    report = await registry.load({**BASE, file: BASE[file] + "".join(f"{row}\n" for row, _ in cases)})
    told = [(refusal.file, refusal.line) for refusal in report.refusals]
    assert told == [(file, good + n) for n in range(1, len(cases) + 1)]
    for refusal, (row, words) in zip(report.refusals, cases, strict=True):
        assert words in refusal.reason, row
    assert report.refused == len(cases) > 0
    assert report.files[file].changed == good - 1


async def test_lines_are_physical_ones(registry: Registry) -> None:
    """§4: empty lines and line breaks within quotes count, as an editor counts them."""
    pupils = PUPILS + '\n;;;\nilinskaya,p-3,5А,"Ор\nлов",Пётр,,,,,\n\nilinskaya,p-4,5Ю,Зуев,Ян,,,,,\n'
    report = await registry.load({**BASE, "pupils.csv": pupils.replace(";;;", ",,,")})
    assert [(refusal.line, "5Ю" in refusal.reason) for refusal in report.refusals] == [(9, True)]
    assert (await registry.one("SELECT family_name FROM roster.pupil WHERE pupil = 'p-3'"))[
        "family_name"
    ] == "Ор лов"


async def test_an_unclosed_quote_costs_its_own_line(registry: Registry) -> None:
    """§4: the line of the quote is refused, and what stands after it is read as if it were closed."""
    pupils = PUPILS + 'ilinskaya,p-3,5А,"Орлов,Пётр,,,,,\nilinskaya,p-4,5А,Зуев,Ян,,,,,\n'
    report = await registry.load({**BASE, "pupils.csv": pupils})
    assert [(refusal.line, "кавычка" in refusal.reason) for refusal in report.refusals] == [(4, True)]
    assert report.files["pupils.csv"].changed == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "пуст"),
        (b"id,name\n1,2\n", "school"),
        (b"school,name,timezone,name\n", "дважды"),
        (SCHOOLS.encode("utf-16"), "CSV UTF-8"),
        (
            SCHOOLS.encode() + "gogol,Школа имени Н. В. Гоголя".encode()[:-1] + b",Europe/Moscow\n",
            "повреждён",
        ),
        (b"school,name,timezone\nx,\x98,Europe/Moscow\n", "повреждён"),
    ],
    ids=["empty", "columns", "twice", "utf-16", "torn", "neither"],
)
async def test_a_file_of_no_use_is_refused_whole(registry: Registry, content: bytes, words: str) -> None:
    """§4: said by file and line 1; nothing of it is loaded, never letters that are not Russian."""
    report = await registry.load({"schools.csv": content})
    assert [refusal.line for refusal in report.refusals] == [1]
    assert words in report.refusals[0].reason
    assert await registry.one("SELECT * FROM roster.school") is None


async def test_unknown_columns_are_ignored_and_said(registry: Registry) -> None:
    """§4: a journal's export has more columns than we need."""
    report = await registry.load(
        {**BASE, "schools.csv": "inn; Name ;TIMEZONE;school\n5024;Школа;Europe/Moscow;ilinskaya\n"}
    )
    assert reasons(report) == []
    assert any("schools.csv" in note and "inn" in note for note in report.notes)
    assert (await registry.one("SELECT name FROM roster.school"))["name"] == "Школа"


async def test_names_lose_what_cannot_be_seen(registry: Registry) -> None:
    """§4: zero-width and bidi characters, no-break spaces and decomposed letters of a copied list."""
    name = "\u200bСе\u0308мина\u00a0\u00a0 Мария\u202e\ufeff"
    await registry.load({**BASE, "pupils.csv": PUPILS.replace("Соколов,", f"{name},")})
    pupil = await registry.one("SELECT family_name FROM roster.pupil WHERE pupil = 'p-1'")
    assert pupil["family_name"] == "Сёмина Мария"


@pytest.mark.parametrize(
    "written", ["8 (900) 123-45-67", "79001234567", "9001234567", "+7\u00a0900\u00a01234567"]
)
async def test_phones_get_one_spelling(registry: Registry, written: str) -> None:
    """§4: E.164, so that a number is one address however it was written."""
    report = await registry.load({**BASE, "contacts.csv": f"{CONTACTS}ilinskaya,g-1,sms,{written},\n"})
    assert reasons(report) == []
    contact = await registry.one("SELECT address, confirmed_at FROM consent.contact WHERE channel = 'sms'")
    assert contact == {"address": "+79001234567", "confirmed_at": None}


@pytest.mark.parametrize(
    ("endpoint", "key", "taken"),
    [
        ("https://fcm.googleapis.com/fcm/send/a", P256DH, True),
        ("http://127.0.0.1:9/push/1", P256DH, True),
        ("http://fcm.googleapis.com/fcm/send/a", P256DH, False),
        ("https://[bad", P256DH, False),
        ("https://fcm.googleapis.com/fcm/send/a", P256DH[:-4], False),
    ],
)
async def test_push_subscriptions(registry: Registry, endpoint: str, key: str, *, taken: bool) -> None:
    """§4 contacts: a PushSubscription's JSON with an https endpoint and keys of the right length."""
    text = (PUSH % (key, endpoint)).replace('"', '""')
    report = await registry.load(
        {**BASE, "contacts.csv": f'{CONTACTS}ilinskaya,g-1,push,"{text}",2026-09-01\n'}
    )
    contact = await registry.one("SELECT address FROM consent.contact WHERE channel = 'push'")
    if taken:
        assert contact is not None
        assert contact["address"].startswith('{"endpoint":"http')
        assert reasons(report) == []
    else:
        assert contact is None
        assert "подписка" in report.refusals[0].reason


async def test_a_thousand_pupils_and_progress(registry: Registry) -> None:
    """§4: chunks meet: every row arrives, slips are told in order, progress ends at the end."""
    rows = [f"ilinskaya,n-{n},{'5А' if n % 700 else '9Я'},Фамилия{n},Имя,,,,," for n in range(1, 2301)]
    header = PUPILS.splitlines()[0]
    seen: list[tuple[str, int, int]] = []
    await registry.load(BASE)
    (registry.folder / "pupils.csv").write_text("\n".join([header, *rows, rows[0]]), encoding="utf-8")
    report = Report()
    await roster.import_lists(
        Folder(registry.folder), registry.ingest, report, lambda *step: seen.append(step), today=TODAY
    )
    assert [refusal.line for refusal in report.refusals] == [701, 1401, 2101, 2302]
    assert report.files["pupils.csv"].changed == 2300 - 3
    steps = [step for step in seen if step[0] == "pupils.csv"]
    assert steps[-1] == ("pupils.csv", 2301, 2301)
    assert len(steps) >= 3
    assert all(done <= total for _, done, total in steps)


async def test_many_refusals_are_all_in_the_file(registry: Registry, tmp_path: Path) -> None:
    """The report stays small in memory; the file has every one, in order, readable by its owner only."""
    rows = "".join(f"ilinskaya,n-{n},9Я,Фамилия,Имя,,,,,\n" for n in range(30))
    full = tmp_path / "refused.txt"
    report = await registry.load({**BASE, "pupils.csv": PUPILS + rows}, full=full, kept=10)
    assert report.refused == 30
    assert len(report.refusals) == 10
    lines = full.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 30
    assert lines[0].startswith("pupils.csv, строка 4:")
    assert lines[-1].startswith("pupils.csv, строка 33:")
    assert full.stat().st_mode & 0o777 == 0o600


async def test_importing_sends_nothing_and_is_audited(registry: Registry) -> None:
    """§4 importing sends nothing; R-D2 every change of the registry is in the audit log."""
    await registry.load(BASE)
    assert (await registry.one("SELECT count(*) AS n FROM ingest.outbox"))["n"] == 0
    audit = await registry.one("SELECT actor, action, details FROM ingest.audit")
    assert audit["action"] == "roster.imported"
    assert audit["details"]["pupils.csv"] == {"read": 2, "changed": 2}


async def test_a_failure_leaves_no_half_of_a_roster(registry: Registry, tmp_path: Path) -> None:
    """One transaction a half: whoever reads sees the lists before or after, never between."""
    await registry.load({"schools.csv": SCHOOLS})

    def fall(file: str, _done: int, _total: int) -> None:
        if file == "pupils.csv":
            raise ConnectionError("cut")

    for name, content in BASE.items():
        (registry.folder / name).write_text(content, encoding="utf-8")
    with pytest.raises(ConnectionError):
        await roster.import_lists(Folder(registry.folder), registry.ingest, Report(), fall, today=TODAY)
    assert await registry.one("SELECT * FROM roster.class") is None
    assert await registry.epochs() == {"roster/ilinskaya": 1}
