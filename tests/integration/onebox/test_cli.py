"""Each command of `vestnik` as a person runs it: what it prints, and what it ends with (DESIGN §5)."""

import asyncio
import re
import sys
from pathlib import Path

import asyncpg
import httpx
import orjson
import pytest
from support.installations import VESTNIK, listening, vestnik

from sandbox.world import World

from .conftest import Place

COMMANDS = [
    ("migrate",),
    ("status",),
    ("check",),
    ("token", "create", "--school", "ilinskaya", "--journal", "main"),
    ("replay", "refused"),
    ("print", "week"),
    ("channel", "pause", "sms", "--reason", "проверка"),
    ("channel", "resume", "sms", "--reason", "проверка"),
]


async def test_help_loads_no_service(tmp_path: Path) -> None:
    """`vestnik --help` is quick because nothing heavy is loaded for it."""
    ended = await vestnik("--help", folder=tmp_path)
    assert ended.code == 0
    for command in (
        "up",
        "demo",
        "migrate",
        "registry",
        "token",
        "print",
        "status",
        "check",
        "channel",
        "replay",
    ):
        assert re.search(rf"^\W*{command}\b", ended.out, re.MULTILINE), command
    heavy = "ingest dispatcher print_queue shared.settings fastapi sqlalchemy asyncpg alembic typst"
    probe = f"import sys, onebox.cli; sys.exit(str(sorted(set({heavy.split()!r}) & set(sys.modules))))"
    process = await vestnik_python(probe, tmp_path)
    assert process == "[]"


async def vestnik_python(code: str, folder: Path) -> str:
    """What a fresh interpreter says on its way out."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, cwd=folder, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    return said.decode().strip()


@pytest.mark.parametrize(
    ("command", "settings", "says"),
    [
        *((command, {"VESTNIK_BUS": "rabbit"}, "VESTNIK_BUS") for command in COMMANDS),
        (("status",), {"VESTNIK_SMTP_URL": "smtp://u:hunter2@mail"}, "VESTNIK_MAIL_FROM"),
    ],
)
async def test_wrong_settings_are_one_sentence_and_two(
    command: tuple[str, ...], settings: dict[str, str], says: str, tmp_path: Path
) -> None:
    ended = await vestnik(*command, folder=tmp_path, settings=settings)
    assert ended.code == 2
    assert ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1
    assert says in ended.err
    assert "hunter2" not in ended.err


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != ("check",)], ids=" ".join)
async def test_a_database_that_is_away_is_one_sentence(command: tuple[str, ...], tmp_path: Path) -> None:
    away = "postgresql://vestnik:hunter2@127.0.0.1:1/vestnik"
    ended = await vestnik(*command, folder=tmp_path, settings={"VESTNIK_DATABASE_URL": away})
    assert ended.code == 1
    assert ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1
    assert "VESTNIK_DATABASE_URL" in ended.err
    assert "hunter2" not in ended.err


async def test_an_old_schema_is_one_sentence_and_the_migration_is_enough(place: Place) -> None:
    connection = await asyncpg.connect(place.settings["VESTNIK_DATABASE_URL"])
    await connection.execute("DROP SCHEMA paper CASCADE")
    await connection.close()
    ended = await place.run("status")
    assert (ended.code, ended.out) == (1, "")
    assert "vestnik migrate" in ended.err
    assert (await place.run("migrate")).code == 0
    assert (await place.run("status")).code == 0


async def test_lists_token_and_paper(place: Place) -> None:
    """The first day of a school: lists, a token, and the week's sheets, each answer alone on stdout."""
    early = await place.run("token", "create", "--school", "ilinskaya", "--journal", "main")
    assert (early.code, early.out) == (1, "")
    assert "registry import" in early.err

    imported = await place.run("registry", "import", str(place.lists))
    assert imported.code == 0, imported.out + imported.err
    for name in ("schools.csv", "pupils.csv", "consents.csv"):
        assert name in imported.out

    token = await place.run("token", "create", "--school", "ilinskaya", "--journal", "main")
    assert token.code == 0
    assert re.fullmatch(r"vestnik_[\w-]{43}\n", token.out)
    assert token.err == ""
    unfit = await place.run("token", "create", "--school", "ilinskaya", "--journal", "a/b")
    assert (unfit.code, unfit.out, len(unfit.err.strip().splitlines())) == (1, "", 1)

    printed = await place.run("print", "week")
    assert printed.code == 0, printed.err
    paths = [Path(line) for line in printed.out.splitlines()]
    assert len(paths) == len(place.school.classes)
    assert all((place.folder / path).read_bytes().startswith(b"%PDF") for path in paths)
    again = await place.run("print", "week", "--class", place.school.classes[0].name)
    assert again.code == 0
    for words in (("--class", "99Я"), ("--week", "yesterday")):
        wrong = await place.run("print", "week", *words)
        assert (wrong.code, wrong.out) == (1, "")
        assert len(wrong.err.strip().splitlines()) == 1


async def test_an_address_for_a_member_of_staff(place: Place) -> None:
    """R-F4: one address alone on stdout; what cannot be made is one sentence and changes nothing."""
    await place.run("registry", "import", str(place.lists))
    words = ("account", "create", "--school", "ilinskaya", "--login", "nina", "--role")
    made = await place.run(*words, "secretary", "--name", "Нина", VESTNIK_PUBLIC_URL="https://v.example")
    assert re.fullmatch(r"https://v\.example/dispatcher/access/(\w{4}-){3}\w{4}\n", made.out)
    assert (made.code, made.err) == (0, "")
    again = await place.run(*words, "secretary")
    assert again.code == 0
    assert again.out != made.out
    for wrong in ((*words, "admin"), (*words, "king"), (*words[:3], "nowhere", *words[4:], "admin")):
        refused = await place.run(*wrong)
        assert (refused.code, refused.out, len(refused.err.strip().splitlines())) == (1, "", 1), wrong


async def test_refused_lines_end_with_one_and_the_rest_is_in(place: Place) -> None:
    contacts = place.lists / "contacts.csv"
    contacts.write_text(
        contacts.read_text(encoding="utf-8") + "ilinskaya,nobody,email,a@b.example,\n", encoding="utf-8"
    )
    ended = await place.run("registry", "import", str(place.lists))
    assert ended.code == 1
    lines = len(contacts.read_text(encoding="utf-8").splitlines())
    assert re.search(rf"contacts\.csv\D+{lines}\b", ended.out), "the file and the line"
    status = await place.run("token", "create", "--school", "ilinskaya", "--journal", "main")
    assert status.code == 0, "the good lines are there"
    missing = await place.run("registry", "import", str(place.folder / "nowhere"))
    assert missing.code == 2


async def test_check_says_each_thing_and_what_to_do(place: Place) -> None:
    """One line each; 0 only when all is well; no secret in any."""
    before = await place.run("check")
    assert before.code == 1
    assert "registry import" in before.out
    assert "token create" in before.out
    assert all(line[0] in "✓✗" for line in before.out.splitlines())

    await place.run("registry", "import", str(place.lists))
    token = (await place.run("token", "create", "--school", "ilinskaya", "--journal", "main")).out.strip()
    silent = await place.run("check")
    assert "✗ Журнал ilinskaya/main" in silent.out

    secrets = {
        "VESTNIK_SMTP_URL": "smtp://user:hunter2@127.0.0.1:1",
        "VESTNIK_MAIL_FROM": "a@school.example",
        "VESTNIK_SMSAERO_EMAIL": "a@school.example",
        "VESTNIK_SMSAERO_API_KEY": "hunter2hunter2hunter2hunter2hunt",
        "VESTNIK_SMSAERO_URL": "http://127.0.0.1:1/v2/",
        "VESTNIK_VAPID_PRIVATE_KEY": "hunter2",
    }
    broken = await place.run("check", **secrets)
    assert broken.code == 1
    for what, variable in (("Почта", "SMTP_URL"), ("SMS", "SMSAERO_URL"), ("Push", "VAPID_PRIVATE_KEY")):
        assert re.search(rf"^✗ {what}: .*VESTNIK_{variable}", broken.out, re.MULTILINE), broken.out
    for ended in (before, silent, broken):
        assert "hunter2" not in ended.out + ended.err
        assert token not in ended.out + ended.err


async def test_check_is_content_when_all_is_well(place: Place) -> None:
    """Against gateways that answer: nothing is sent, and it ends with 0."""
    await place.run("registry", "import", str(place.lists))
    token = (await place.run("token", "create", "--school", "ilinskaya", "--journal", "main")).out.strip()
    async with World() as world:
        settings = {
            **place.settings,
            **world.settings(),
            "VESTNIK_MAIL_FROM": "Школа <a@school.example>",
            "VESTNIK_SMSAERO_SIGN": "Ilinskaya",
        }
        async with listening(VESTNIK, "up", folder=place.folder, settings=settings) as running:
            await running.until(200)
            assert (await post(running.http, token, place.school.pupils[-1].id)).status_code == 202
            ended = await vestnik("check", folder=place.folder, settings=settings)
        assert ended.code == 0, ended.out
        assert "Ilinskaya" in ended.out
        other = await vestnik(
            "check", folder=place.folder, settings={**settings, "VESTNIK_SMSAERO_SIGN": "Nobody"}
        )
        assert other.code == 1
        assert re.search(r"^✗ SMS: .*Nobody", other.out, re.MULTILINE)
        assert world.inbox.letters == []
        assert world.sms.messages == []


async def test_commands_work_alone_and_beside_a_running_installation(place: Place) -> None:
    """On the embedded database: whoever comes first starts it, whoever goes last stops it."""
    settings = {"VESTNIK_DATA": str(place.folder / "box")}

    async def run(*words: str) -> str:
        ended = await vestnik(*words, folder=place.folder, settings=settings)
        assert ended.code == 0, (words, ended.out, ended.err)
        return ended.out

    await run("migrate")
    await run("registry", "import", str(place.lists))
    token = (await run("token", "create", "--school", "ilinskaya", "--journal", "main")).strip()
    async with listening(VESTNIK, "up", folder=place.folder, settings=settings) as running:
        await running.until(200)
        assert (await post(running.http, token, "nobody")).status_code == 422
        assert "принято: 0" in (await run("replay", "refused")).lower()
        assert "Книга учёта" in await run("status")
        await run("channel", "pause", "push", "--reason", "меняем ключ")
        assert re.search(r"push\W+остановлен .*меняем ключ", await run("status"))
        await run("channel", "resume", "push", "--reason", "готово")
        assert "меняем ключ" not in await run("status")
        assert len((await run("print", "week")).splitlines()) == len(place.school.classes)
        await run("migrate")
        assert (await running.http.get("/readyz")).status_code == 200, "the commands left it running"
        assert await running.told_to_stop() == 0
    said = [line for line in running.said.read_text().splitlines() if not line.startswith(("{", "20"))]
    assert said[0] == f"Вестник работает: {running.http.base_url}".rstrip("/")
    assert said[1].startswith("Задайте пароль администратора (адрес на один раз): ")
    assert "Книга учёта" in await run("status")
    assert not (place.folder / "box/postgres/cluster/postmaster.pid").exists()


async def post(http: httpx.AsyncClient, token: str, pupil: str) -> httpx.Response:
    """A mark of this pupil, as the journal `main` tells it."""
    event = {
        "specversion": "1.0",
        "id": f"e-{pupil}",
        "source": "/schools/ilinskaya/journals/main",
        "type": "journal.mark.set",
        "subject": pupil,
        "time": "2026-11-20T14:05:00+03:00",
        "data": {
            "entity": "mark/1",
            "revision": 1,
            "course": {"name": "Алгебра"},
            "lesson": {"date": "2026-11-20", "number": 2},
            "mark": {"value": "5"},
        },
    }
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/cloudevents-batch+json",
    }
    return await http.post("/ingest/v1/changes", content=orjson.dumps([event]), headers=headers)


async def test_why_answers_about_a_family_on_file_only(place: Place) -> None:
    """R-D2: nothing decided is said as such, a stranger's id is refused, and looking is audited."""
    await place.run("migrate")
    assert (await place.run("registry", "import", str(place.lists))).code == 0
    guardian = place.school.families[0].guardians[0]
    ended = await place.run("why", place.school.id, guardian.id)
    assert (ended.code, ended.out.strip()) == (
        0,
        "Об этом для этой семьи решений не было: её это не касалось.",
    )
    for words, says in (
        (("why", "nowhere", guardian.id), "Школы «nowhere» нет"),
        (("why", place.school.id, "g-nobody"), "Представителя «g-nobody»"),
        (("why", place.school.id, guardian.id, "--change", "x"), "«x» не номер изменения"),
    ):
        ended = await place.run(*words)
        assert ended.code == 1
        assert says in ended.err
    owner = await asyncpg.connect(place.settings["VESTNIK_DATABASE_URL"])
    looks = await owner.fetch("SELECT actor, about FROM dispatch.audit WHERE action = 'family.looked_at'")
    await owner.close()
    assert [tuple(look) for look in looks] == [("vestnik why", guardian.id)]
