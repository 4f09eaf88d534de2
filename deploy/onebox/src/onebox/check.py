"""`vestnik check`: is everything wired, one line each, with what to do where it is not.

Looks and never changes: nothing is sent, nothing is written but the keys a first start makes.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
from rich.console import Console

from ingest.journals import JournalState, journals
from onebox import gateways
from onebox.environment import database
from onebox.finding import Finding, bad, good
from shared import outbox
from shared.bus.kafka_topics import CONFIGS, missing_topics, outliving_topics
from shared.db import connect
from shared.engine import engine
from shared.errors import ForPeople
from shared.schema import require_current
from shared.serve import context_of
from shared.service import Context
from shared.settings import Settings
from shared.topics import WRITERS, Service

OLDEST_POSTGRES = 18


async def check_all(settings: Settings) -> list[Finding]:
    """In the order in which a person would mend things; one failure does not hide the next."""
    findings = [_settings(settings)]
    async with contextlib.AsyncExitStack() as stack:
        found, url = await _opened(stack, settings)
        findings += found
        ready = url if all(one.good for one in found) else None
        findings += await _needing(ready, "Шина", lambda url: _bus(settings, url))
        findings += await _looked("Почта", lambda: gateways.mail(settings))
        findings += await _looked("SMS", lambda: gateways.sms(settings))
        findings += await _looked("Push", lambda: gateways.push(settings))
        findings += await _looked("Вёрстка", gateways.typesetting)
        findings += await _needing(ready, "Школы", lambda url: _schools(context_of(settings, url)))
        findings += await _needing(ready, "Журналы", _journals)
    return findings


def show_findings(findings: Sequence[Finding], console: Console) -> bool:
    """A line each; whether all is well."""
    for one in findings:
        console.print(f"{'✓' if one.good else '✗'} {one.what}: {one.says}", markup=False)
    return all(one.good for one in findings)


async def _looked(what: str, look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
    try:
        return await look()
    except ForPeople as wrong:
        return [bad(what, str(wrong))]
    except Exception as wrong:  # noqa: BLE001 - a check says what it met; the text may hold a secret
        return [bad(what, f"проверить не удалось ({type(wrong).__name__}).")]


async def _needing(
    url: str | None, what: str, look: Callable[[str], Awaitable[list[Finding]]]
) -> list[Finding]:
    """What makes no sense without a good database."""
    return (
        [bad(what, "не проверялось, сначала нужна база.")]
        if url is None
        else await _looked(what, lambda: look(url))
    )


async def _opened(stack: contextlib.AsyncExitStack, settings: Settings) -> tuple[list[Finding], str]:
    """The database, kept open for the other checks, and what is said of it."""
    try:
        url = await stack.enter_async_context(database(settings))
    except ForPeople as away:
        return [bad("База данных", str(away))], ""
    return await _looked("База данных", lambda: _database(url)), url


def _settings(settings: Settings) -> Finding:
    source = str(settings.config) if settings.config.exists() else "файла нет, только переменные окружения"
    return good("Настройки", f"прочитаны ({source}); данные в {settings.data.absolute()}.")


async def _database(url: str) -> list[Finding]:
    connection = await connect(url)
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_POSTGRES:
            return [bad("База данных", f"PostgreSQL {version.major}, нужен {OLDEST_POSTGRES} или новее.")]
        await require_current(connection)
    finally:
        await connection.close()
    for service in Service:
        await (await connect(url, service)).close()
    return [good("База данных", f"PostgreSQL {version.major}, схемы и роли на месте.")]


async def _bus(settings: Settings, url: str) -> list[Finding]:
    if settings.bus != "postgres":
        servers = settings.bus.removeprefix("kafka://").rstrip("/").split(",")
        missing = await missing_topics(servers, settings.bus_prefix)
        if missing:
            names = ", ".join(missing)
            return [bad("Шина", f"брокер отвечает, тем нет: {names}. Их создаёт первая запущенная служба.")]
        if outliving := await outliving_topics(servers, settings.bus_prefix):
            needed = ", ".join(f"{name}={value}" for name, value in CONFIGS.items())
            says = (
                f"темы {', '.join(outliving)} хранят записи дольше двух суток, и уничтоженные данные "
                f"остались бы в них. Задайте этим темам: {needed}."
            )
            return [bad("Шина", says)]
        return [good("Шина", "Kafka отвечает, темы на месте.")]
    for service in Service:
        async with _acting(url, service) as connection:
            for topic, writers in WRITERS.items():
                for writer in writers:
                    await outbox.read(connection, writer, topic, outbox.START, 1)
    return [good("Шина", "PostgreSQL, все службы читают записи друг друга.")]


@contextlib.asynccontextmanager
async def _acting(url: str, service: Service) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(url, service)
    try:
        yield connection
    finally:
        await connection.close()


async def _schools(context: Context) -> list[Finding]:
    async with _acting(context.database_url, Service.INGEST) as connection:
        rows = await connection.fetch(
            """SELECT s.school, s.timezone, max(c.to_on) AS until FROM roster.school s
               LEFT JOIN roster.calendar c ON c.school = s.school AND c.kind = 'term'
               GROUP BY s.school ORDER BY 1"""
        )
    if not rows:
        return [bad("Школы", "списки не загружены: vestnik registry import ПАПКА.")]
    findings = []
    for row in rows:
        what = f"Календарь, школа {row['school']}"
        today = context.clock.now().astimezone(ZoneInfo(row["timezone"])).date()
        if row["until"] is None:
            findings.append(good(what, "не загружен: учебный день — каждый с понедельника по пятницу."))
        elif row["until"] < today:
            findings.append(
                bad(what, f"кончился {row['until']:%d.%m.%Y}: загрузите calendar.csv нового учебного года.")
            )
        else:
            findings.append(good(what, f"есть, до {row['until']:%d.%m.%Y}."))
    return findings


async def _journals(url: str) -> list[Finding]:
    acting = engine(url, Service.INGEST)
    try:
        states = await journals(acting)
    finally:
        await acting.dispose()
    if not states:
        what = "ни у одного нет доступа: vestnik token create --school ШКОЛА --journal ИМЯ."
        return [bad("Журналы", what)]
    return [_journal(state) for state in states]


def _journal(state: JournalState) -> Finding:
    what = f"Журнал {state.school}/{state.journal}"
    if not state.tokens:
        return good(what, "доступ закрыт, все токены отозваны.")
    if state.used_at is None:
        return bad(what, "токен выдан, но журнал ещё не обращался: проверьте адрес и токен в его настройках.")
    refused = (
        f" Отложено с отказом: {state.refused}; устраните причину и выполните vestnik replay refused."
        if state.refused
        else ""
    )
    if state.accepted_at is None:
        return bad(what, f"обращался {_when(state.used_at)}, но ни одно изменение не принято.{refused}")
    return good(what, f"последнее изменение принято {_when(state.accepted_at)}.{refused}")


def _when(instant: datetime) -> str:
    return f"{instant.astimezone():%d.%m.%Y %H:%M}"
