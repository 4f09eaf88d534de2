"""The act of destruction and the export of the event log, as order 179 of Roskomnadzor asks (28.10.2022):
who, whose (by an internal id), what, where, how, why and when. Nothing in them is personal.

They lie in `<data>/acts/<school>/` and are kept for three years at least.
"""

import asyncio
import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from shared.erasure import Cause, Counts, Order, Step
from shared.typesetting.compile import compile_pdf
from shared.typesetting.glyphs import Json, filter_json
from shared.whole_file import write_whole

KEPT_YEARS = 3
SYSTEM = "Вестник: доставка сведений электронного журнала семьям"
METHOD = (
    "Удаление записей из базы данных и файлов средствами информационной системы; из общих документов "
    "сведения изъяты, документы изготовлены заново"
)
CAUSES = {
    Cause.WITHDRAWAL: "Отзыв согласия на обработку персональных данных (ч. 5 ст. 21 Федерального закона "
    "от 27.07.2006 № 152-ФЗ)",
    Cause.DEPARTURE: "Достижение цели обработки: обучающийся выбыл из школы (ч. 4 ст. 21 Федерального закона "
    "от 27.07.2006 № 152-ФЗ)",
    Cause.REQUEST: "Требование субъекта персональных данных (ст. 14 и 21 Федерального закона от 27.07.2006 "
    "№ 152-ФЗ)",
}
CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "фамилия, имя, отчество, дата рождения": ("roster.",),
    "адреса электронной почты, номера телефонов, подписки на уведомления": (
        "consent.contact",
        "dispatch.contact_code",
        "dispatch.suppression",
    ),
    "сведения согласий, заявлений и решений о правах": (
        "consent.sheet",
        "consent.application",
        "consent.preference",
        "consent.restriction",
        "consent.departure",
        "consent.refusal",
    ),
    "сведения об успеваемости, посещаемости и поведении": ("ingest.", "dispatch.change", "paper.ledger"),
    "решения о доставке, сообщения и их тексты": ("dispatch.",),
    "листы на бумаге": ("paper.",),
}
STEPS = {
    Step.JOURNAL: "сведения из журнала",
    Step.DELIVERY: "контакты, согласия, решения и сообщения",
    Step.PAPER: "бумажные листы",
    Step.LISTS: "имена в списках",
}


@dataclass(frozen=True, slots=True)
class Act:
    """`steps`: when each was done; `counts`: rows by store and step."""

    order: Order
    school: str
    timezone: str
    steps: tuple[tuple[Step, datetime], ...]
    counts: Mapping[Step, Counts]
    destroyed_at: datetime


def categories_of(counts: Mapping[str, int]) -> list[str]:
    """The kinds of data that were there to destroy."""
    stores = [store for store, rows in counts.items() if rows]
    return [
        name
        for name, prefixes in CATEGORIES.items()
        if any(store.startswith(prefix) for store in stores for prefix in prefixes)
    ]


def subject_of(order: Order) -> str:
    """The subjects by their internal ids."""
    parts = [f"обучающийся {pupil}" for pupil in order.pupils]
    parts += [f"законный представитель {guardian}" for guardian in order.guardians]
    if not parts:
        parts = [f"законный представитель {g} в отношении обучающегося {p}" for p, g in order.ties]
    return "; ".join(parts)


def machine(act: Act) -> dict[str, Any]:
    """The act as data."""
    order = act.order
    total = {store: rows for counts in act.counts.values() for store, rows in counts.items() if rows}
    return {
        "act": str(order.id),
        "operator": act.school,
        "school": order.school,
        "information_system": SYSTEM,
        "subjects": {
            "pupils": list(order.pupils),
            "guardians": list(order.guardians),
            "ties": [{"pupil": pupil, "guardian": guardian} for pupil, guardian in order.ties],
        },
        "cause": order.cause.value,
        "reason": CAUSES[order.cause],
        "received_on": order.received_on.isoformat(),
        "destroy_by": order.destroy_by.isoformat(),
        "ordered_by": order.ordered_by,
        "ordered_at": order.ordered_at.isoformat(),
        "destroyed_at": act.destroyed_at.isoformat(),
        "method": METHOD,
        "categories": categories_of(total),
        "stores": total,
        "keep_years": KEPT_YEARS,
    }


def event_log(act: Act) -> str:
    """The export of the event log (CSV, UTF-8): a line a store."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(
        (
            "дата и время",
            "субъект",
            "категории",
            "информационная система",
            "хранилище",
            "записей",
            "причина",
            "акт",
        )
    )
    subject, reason = subject_of(act.order), CAUSES[act.order.cause]
    for step, at in act.steps:
        for store, rows in sorted(act.counts[step].items()):
            if rows:
                kinds = "; ".join(categories_of({store: rows}))
                writer.writerow((at.isoformat(), subject, kinds, SYSTEM, store, rows, reason, act.order.id))
    return out.getvalue()


def folder_of(data: Path, school: str) -> Path:
    """Where a school's acts lie."""
    return data / "acts" / quote(school, safe="")


async def write_act(data: Path, act: Act) -> str:
    """The act as PDF and JSON and the log as CSV; the PDF's place below the data folder."""
    pdf = await asyncio.to_thread(_typeset, act)
    folder = folder_of(data, act.order.school)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{act.order.id}.pdf"
    said = json.dumps(machine(act), ensure_ascii=False, indent=2).encode()
    for suffix, content in ((".json", said), (".csv", event_log(act).encode("utf-8-sig")), (".pdf", pdf)):
        write_whole(path.with_suffix(suffix), content)
    return str(path.relative_to(data))


def _typeset(act: Act) -> bytes:
    order, zone = act.order, ZoneInfo(act.timezone)
    said = machine(act)
    tree: Json = {
        "school": act.school,
        "number": str(order.id),
        "rows": [
            ["Оператор", act.school],
            ["Субъект персональных данных (внутренний номер)", subject_of(order)],
            ["Категории уничтоженных данных", "; ".join(said["categories"]) or "данных не оказалось"],
            ["Информационная система", SYSTEM],
            ["Способ уничтожения", METHOD],
            ["Причина уничтожения", CAUSES[order.cause]],
            ["Основание получено", f"{order.received_on:%d.%m.%Y}"],
            ["Уничтожить не позднее", f"{order.destroy_by:%d.%m.%Y}"],
            ["Дата уничтожения", f"{act.destroyed_at.astimezone(zone):%d.%m.%Y %H:%M}"],
            ["Кто распорядился", order.ordered_by],
        ],
        "log": [
            [f"{at.astimezone(zone):%d.%m.%Y %H:%M:%S}", STEPS[step], store, str(rows)]
            for step, at in act.steps
            for store, rows in sorted(act.counts[step].items())
            if rows
        ],
        "years": str(KEPT_YEARS),
    }
    filtered = filter_json(tree, Counter())
    assert isinstance(filtered, dict)
    return compile_pdf(Path(__file__).parent, "act.typ", filtered, created_at=act.destroyed_at).pdf
