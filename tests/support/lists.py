"""A small school's lists, and their import into a database of the test's own."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg

from dispatcher import papers
from ingest import roster
from shared.import_report import Report
from shared.list_source import open_lists

TODAY = date(2026, 11, 23)
SCHOOLS = "school,name,timezone\nilinskaya,Ильинская школа,Europe/Moscow\n"
CLASSES = (
    "school,class,grade,teachers,days,shift,unmarked\nilinskaya,5А,5,orlova;petrov,6,2,\nilinskaya,1Б,1,,,,\n"
)
PUPILS = (
    "school,pupil,class,family_name,given_name,patronymic,birth_date,enrolled_on,left_on,left_reason\n"
    "ilinskaya,p-1,5А,Соколов,Иван,Петрович,2015-03-04,2022-09-01,,\n"
    "ilinskaya,p-2,1Б,Соколова,Анна,,04.03.2019,01.09.2026,,\n"
)
GUARDIANS = (
    "school,guardian,family_name,given_name,patronymic,language\nilinskaya,g-1,Соколова,Ольга,Ивановна,\n"
)
TIES = (
    "school,pupil,guardian,relation,restricted_from,restricted_until\n"
    "ilinskaya,p-1,g-1,mother,2026-01-01,2026-02-01\nilinskaya,p-2,g-1,mother,,\n"
)
CONTACTS = "school,guardian,channel,address,confirmed_at\nilinskaya,g-1,email,Olga@MAIL.ru,2026-09-01 10:00\n"
CONSENTS = (
    "school,pupil,guardian,number,signed_on,items,valid_until,withdrawn_on\n"
    'ilinskaya,p-1,g-1,12/2026,2026-09-01,"1.3 4.3; 6.9,6.10",2027-08-31,\n'
)
APPLICATIONS = (
    "school,pupil,guardian,number,signed_on,form,scope\n"
    "ilinskaya,p-1,g-1,7,2026-09-01,electronic,mark remark\n"
)
PREFERENCES = "school,guardian,category,channel,mode\nilinskaya,g-1,*,email,daily\n"
ACCOUNTS = "school,login,role,name,email\nilinskaya,orlova,teacher,Орлова Мария Ильинична,\n"
CALENDAR = (
    "school,from,to,kind,name\n"
    "ilinskaya,2026-09-01,2026-12-29,term,I полугодие\nilinskaya,2026-11-04,,day_off,\n"
)

BASE = {
    "schools.csv": SCHOOLS,
    "calendar.csv": CALENDAR,
    "classes.csv": CLASSES,
    "pupils.csv": PUPILS,
    "guardians.csv": GUARDIANS,
    "guardianships.csv": TIES,
    "contacts.csv": CONTACTS,
    "consents.csv": CONSENTS,
    "applications.csv": APPLICATIONS,
    "preferences.csv": PREFERENCES,
    "accounts.csv": ACCOUNTS,
}


@dataclass
class Registry:
    """A database, a folder, and the import of one into the other."""

    ingest: asyncpg.Pool
    dispatcher: asyncpg.Pool
    folder: Path

    async def load(self, files: dict[str, str | bytes], **options: Any) -> Report:
        for old in self.folder.iterdir():
            old.unlink()
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (self.folder / name).write_bytes(data)
        return await self.read(self.folder, **options)

    async def read(self, path: Path, **options: Any) -> Report:
        """Both halves, as the command reads them."""
        report = Report(**options)
        with open_lists(path, report, lambda *_: None, today=TODAY) as lists:
            await roster.import_lists(lists, self.ingest, report, lambda *_: None, today=TODAY)
            await papers.import_lists(lists, self.dispatcher, report, lambda *_: None, today=TODAY)
        return report

    async def one(self, statement: str, *values: Any) -> Any:
        row = await self.ingest.fetchrow(statement, *values)
        return dict(row) if row is not None else None

    async def epochs(self) -> dict[str, int]:
        rows = await self.ingest.fetch(
            """SELECT 'roster' AS which, school, value FROM roster.epoch
               UNION ALL SELECT 'consent', * FROM consent.epoch"""
        )
        return {f"{row['which']}/{row['school']}": row["value"] for row in rows}

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = [table.into for table in (*roster.TABLES, *papers.tables({}))]
        return {
            table: sorted(map(str, map(tuple, await self.ingest.fetch(f"SELECT *, xmin FROM {table}"))))  # type: ignore[misc]
            for table in tables
        }


def reasons(report: Report) -> list[str]:
    return [str(refusal) for refusal in report.refusals]
