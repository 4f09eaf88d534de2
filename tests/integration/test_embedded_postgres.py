"""The embedded server: outlives its starter, lets in one account, recovers, copes with long paths."""

import asyncio
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
from structlog.testing import capture_logs
from support.processes import kill, program, said

from onebox.account import EmbeddedPostgresError
from onebox.environment import embedded
from onebox.postgres import EmbeddedPostgres

FAST = {"fsync": "off"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """As private as a fresh clone in mkdtemp: 0700 and root's own when we are root."""
    path = Path(tempfile.mkdtemp(prefix="vestnik-pg-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "postgres", extra=FAST)
    yield server
    await server.start()  # whatever the test did to it, it is there again
    await server.stop()
    assert not server.running()


def postmaster(folder: Path) -> int:
    return int((folder / "postgres/cluster/postmaster.pid").read_text().split()[0])


def socket_folder(url: str) -> Path:
    return Path(parse_qs(urlsplit(url).query)["host"][0])


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_stands_as_promised(server: EmbeddedPostgres) -> None:
    url = await server.start()

    assert await ask(url, "SELECT current_database()") == "vestnik"
    assert await ask(url, "SELECT current_user") == "postgres"
    assert await ask(url, "SHOW server_encoding") == "UTF8"
    assert await ask(url, "SHOW data_checksums") == "on"
    assert await ask(url, "SHOW listen_addresses") == ""
    assert await ask(url, "SELECT lower('ЁЖ')") == "ёж"
    assert await ask(url, "SELECT string_agg(DISTINCT auth_method, ' ') FROM pg_hba_file_rules") == "peer"


async def test_its_folders_are_private(server: EmbeddedPostgres, folder: Path) -> None:
    url = await server.start()

    for path in (folder / "postgres", folder / "postgres/cluster", socket_folder(url)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another account")
@pytest.mark.parametrize("account", ["nobody", "daemon"])
async def test_another_account_cannot_connect(server: EmbeddedPostgres, account: str) -> None:
    url = await server.start()
    other = pwd.getpwnam(account)
    psql = server._programs / "psql"

    done = await asyncio.to_thread(
        subprocess.run,
        [psql, "-X", "-h", socket_folder(url), "-U", "postgres", "-d", "vestnik", "-c", "SELECT 1"],
        user=other.pw_uid,
        group=other.pw_gid,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )

    assert done.returncode != 0
    assert "Peer authentication failed" in done.stderr or "Permission denied" in done.stderr


async def test_killing_the_starter_leaves_it_and_the_next_start_attaches(
    server: EmbeddedPostgres, folder: Path
) -> None:
    async with program("support.postgres_holder", str(folder / "postgres")) as holder:
        url = await said(holder)
        await kill(holder)
    before = postmaster(folder)
    assert await ask(url, "SELECT 1") == 1

    assert await server.start() == url
    assert postmaster(folder) == before


async def test_the_last_user_stops_it(server: EmbeddedPostgres, folder: Path) -> None:
    url = await server.start()
    async with program("support.postgres_holder", str(folder / "postgres")) as holder:
        assert await said(holder) == url
        await server.stop()
        assert await ask(url, "SELECT 1") == 1

        assert holder.stdin is not None
        holder.stdin.close()
        await holder.wait()
        assert not server.running()


async def test_two_starters_agree(server: EmbeddedPostgres, folder: Path) -> None:
    other = EmbeddedPostgres(folder / "postgres", extra=FAST)

    first, second = await asyncio.gather(server.start(), other.start())

    assert first == second
    await other.stop()


async def test_it_is_in_a_session_of_its_own(server: EmbeddedPostgres, folder: Path) -> None:
    await server.start()

    assert os.getsid(postmaster(folder)) != os.getsid(0)


async def test_recovers_after_its_own_kill(server: EmbeddedPostgres, folder: Path) -> None:
    url = await server.start()
    await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")

    os.kill(postmaster(folder), signal.SIGKILL)

    assert await server.start() == url
    assert await ask(url, "SELECT n FROM kept") == 7


async def test_whoever_watches_over_it_outlives_a_disk_that_refuses(folder: Path) -> None:
    """Its settings cannot be written when it is to come back, as on a full disk; then they can."""
    obstacle = folder / "postgres/cluster/postgresql.conf.draft"
    with capture_logs() as logs:
        async with embedded(folder) as url, asyncio.timeout(60):
            obstacle.mkdir()
            os.kill(postmaster(folder), signal.SIGKILL)
            while not any(one["event"] == "postgres.not_back" for one in logs):
                await asyncio.sleep(0.05)
            obstacle.rmdir()
            while not any(one["event"] == "postgres.started" for one in logs[-1:]):
                await asyncio.sleep(0.05)
            assert await ask(url, "SELECT 1") == 1


async def test_a_stale_pid_that_became_another_program(server: EmbeddedPostgres, folder: Path) -> None:
    await server.start()
    pid_file = folder / "postgres/cluster/postmaster.pid"
    lines = pid_file.read_text().splitlines(keepends=True)
    os.kill(postmaster(folder), signal.SIGKILL)
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        pid_file.write_text("".join([f"{sleeper.pid}\n", *lines[1:]]))

        assert await ask(await server.start(), "SELECT 1") == 1
    finally:
        sleeper.kill()
        await sleeper.wait()


async def test_an_interrupted_first_start_is_made_again(server: EmbeddedPostgres, folder: Path) -> None:
    draft = folder / "postgres/cluster.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")

    assert await ask(await server.start(), "SELECT 1") == 1


@pytest.mark.parametrize("name", ["it's \"the & %40 $HOME", "Школа № 1"])
async def test_a_path_with_other_letters(folder: Path, name: str) -> None:
    server = EmbeddedPostgres(folder / name / "postgres", extra=FAST)
    url = await server.start()
    try:
        assert await ask(url, "SELECT 1") == 1
        assert socket_folder(url).is_relative_to(folder)
    finally:
        await server.stop()


@pytest.mark.parametrize("name", ["глубоко" * 12, "one, two"])
async def test_a_path_no_socket_can_have(folder: Path, name: str) -> None:
    server = EmbeddedPostgres(folder / name / "postgres", extra=FAST)
    url = await server.start()
    try:
        assert await ask(url, "SELECT 1") == 1
        assert stat.S_IMODE(socket_folder(url).stat().st_mode) == 0o700
        assert not socket_folder(url).is_relative_to(folder)
    finally:
        await server.stop()
    assert not socket_folder(url).exists()


async def test_says_why_it_cannot_start(server: EmbeddedPostgres, folder: Path) -> None:
    await server.start()
    await server.stop()
    wrong = folder / "postgres/cluster/local.conf"
    wrong.write_text("no_such_setting = 1\n")
    wrong.chmod(0o644)

    with pytest.raises(EmbeddedPostgresError, match="pg_ctl failed"):
        await server.start()

    wrong.unlink()
