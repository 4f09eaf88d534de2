"""A OneRoster 1.2 export of a small school, as a journal would make it: every column of the standard."""

import csv
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

Rows = Iterable[Mapping[str, str]]

_FIRST = "sourcedId,status,dateLastModified,"
HEADERS = {
    "orgs": _FIRST + "name,type,identifier,parentSourcedId",
    "academicSessions": _FIRST + "title,type,startDate,endDate,parentSourcedId,schoolYear",
    "courses": _FIRST + "schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes",
    "classes": _FIRST + "title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,"
    "termSourcedIds,subjects,subjectCodes,periods",
    "users": _FIRST
    + "enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,"
    "agentSourcedIds,grades,password,userMasterIdentifier,preferredGivenName,preferredMiddleName,"
    "preferredFamilyName,primaryOrgSourcedId,pronouns",
    "roles": _FIRST + "userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId",
    "enrollments": _FIRST + "classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate",
    "demographics": _FIRST + "birthDate,sex,americanIndianOrAlaskaNative,asian,blackOrAfricanAmerican,"
    "nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,hispanicOrLatinoEthnicity,"
    "countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,publicSchoolResidenceStatus",
}


def user(key: str, family: str, given: str, middle: str = "", **more: str) -> dict[str, str]:
    return {
        "sourcedId": key,
        "enabledUser": "true",
        "familyName": family,
        "givenName": given,
        "middleName": middle,
        "password": "never-to-be-kept",
        **more,
    }


def role(key: str, who: str, which: str, **more: str) -> dict[str, str]:
    org = {"orgSourcedId": "ilinskaya", "roleType": "primary"}
    return {"sourcedId": key, "userSourcedId": who, "role": which, **org, **more}


def place(key: str, who: str, room: str, which: str = "student", **more: str) -> dict[str, str]:
    return {"sourcedId": key, "classSourcedId": room, "userSourcedId": who, "role": which, **more}


def room(key: str, title: str, grades: str, kind: str = "homeroom", **more: str) -> dict[str, str]:
    return {
        "sourcedId": key,
        "title": title,
        "grades": grades,
        "classType": kind,
        "schoolSourcedId": "ilinskaya",
        "termSourcedIds": "year",
        **more,
    }


SCHOOL: dict[str, list[dict[str, str]]] = {
    "orgs": [
        {"sourcedId": "district", "name": "Район", "type": "district"},
        {"sourcedId": "ilinskaya", "name": "Ильинская школа", "type": "school"},
    ],
    "academicSessions": [
        {"sourcedId": "past", "title": "2025/26", "type": "schoolYear", "endDate": "2026-05-31"},
        {"sourcedId": "year", "title": "2026/27", "type": "schoolYear", "endDate": "2027-05-31"},
    ],
    "courses": [{"sourcedId": "first", "title": "1 класс", "grades": "01"}],
    "classes": [
        room("c-5a", "5А", "05"),
        room("c-1b", "1Б", "", courseSourcedId="first"),
        room("c-4a", "4А", "04", termSourcedIds="past"),
        room("c-math", "Алгебра 5А", "05", "scheduled"),
    ],
    "users": [
        user("p-1", "Соколов", "Иван", "Петрович", agentSourcedIds="g-1,g-2"),
        user("p-2", "Соколова", "Анна", agentSourcedIds="g-1"),
        user("g-1", "Соколова", "Ольга", "Ивановна", email="Olga@MAIL.ru", sms="8 900 123-45-67"),
        user("g-2", "Соколов", "Пётр", "Ильич", email="petr@mail.ru"),
        user("t-1", "Орлова", "Мария", "Ильинична", username="orlova", email="orlova@school.example"),
        user("t-2", "Петров", "Олег", username="petrov"),
    ],
    "roles": [
        role("r-1", "p-1", "student"),
        role("r-2", "p-2", "student"),
        role("r-3", "g-1", "parent"),
        role("r-4", "g-2", "parent"),
        role("r-5", "t-1", "teacher"),
        role("r-6", "t-2", "teacher"),
    ],
    "enrollments": [
        place("e-0", "p-1", "c-4a", endDate="2026-05-31"),
        place("e-1", "p-1", "c-5a", beginDate="2026-09-01", endDate="2027-05-31"),
        place("e-2", "p-1", "c-math"),
        place("e-3", "p-2", "c-1b"),
        place("e-4", "t-2", "c-5a", "teacher"),
        place("e-5", "t-1", "c-5a", "teacher", primary="true"),
    ],
    "demographics": [{"sourcedId": "p-1", "birthDate": "2015-03-04", "sex": "male", "asian": "true"}],
}


def export(
    path: Path,
    rows: Mapping[str, Rows] = SCHOOL,
    *,
    modes: Mapping[str, str] | None = None,
    version: str = "1.2",
    method: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """Write the zip. `modes`: files that are not `bulk`."""
    said = dict.fromkeys(rows, "bulk") | dict(modes or {})
    manifest = [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", version)]
    manifest += [(f"file.{name}", mode) for name, mode in said.items()]
    manifest += [("file.results", "absent"), ("source.systemName", "Журнал")]
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("manifest.csv", "".join(f"{key},{value}\r\n" for key, value in manifest))
        for name, lines in rows.items():
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, HEADERS[name].split(","))
            writer.writeheader()
            writer.writerows(lines)
            archive.writestr(f"{name}.csv", text.getvalue())
    return path
