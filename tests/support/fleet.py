"""An installation as real processes, to be killed at any moment and started again.

`services(…)` are `python -m ingest|dispatcher|print_queue`, one or more replicas of each, over a
database and a bus; `onebox(…)` is `vestnik up`, all of them in one process over its own database.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

SERVICES = ("ingest", "dispatcher", "print_queue")
PATHS = {"ingest": "/ingest", "dispatcher": "/dispatcher", "print_queue": "/print"}
_STOPS_WITHIN = 60.0
_READY_WITHIN = 400.0
_TAIL = 40


@dataclass(frozen=True, slots=True)
class Program:
    """One process of an installation. `service`: under which name its kills are counted."""

    name: str
    service: str
    port: int
    command: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(slots=True)
class Fleet:
    """Programs that share settings. `environment` holds every VESTNIK_* of them and nothing of ours.

    What each says is kept in `folder/<name>.log` over all its lives.
    """

    folder: Path
    programs: Sequence[Program]
    environment: Mapping[str, str]
    kills: Counter[str] = field(default_factory=Counter)
    _running: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [program.name for program in self.programs]

    def of(self, service: str) -> list[Program]:
        return [program for program in self.programs if program.service == service]

    @property
    def url(self) -> str:
        """Where a journal posts."""
        return (self.of("ingest") or self.of("onebox"))[0].url

    async def start(self, *names: str) -> None:
        """Start these, or all that do not run; does not wait until they are ready."""
        for program in self.programs:
            if program.name in (names or self.names) and program.name not in self._running:
                with self._log(program.name).open("ab") as log:
                    self._running[program.name] = await asyncio.create_subprocess_exec(
                        *program.command,
                        stdin=asyncio.subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        env=dict(self.environment),
                        cwd=self.folder,
                    )

    async def ready(self) -> None:
        """Waits until every program says it is. Raises AssertionError with what one still lacks after a
        while, or if one ended."""
        lacks = "nothing was asked"
        try:
            async with (
                httpx.AsyncClient(trust_env=False, timeout=5) as client,
                asyncio.timeout(_READY_WITHIN),
            ):
                for program in self.programs:
                    while lacks := await self._lacks(client, program):
                        await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"not ready after {_READY_WITHIN} s: {lacks}") from None

    async def _lacks(self, client: httpx.AsyncClient, program: Program) -> str:
        process = self._running[program.name]
        assert process.returncode is None, f"{program.name} ended by itself: {process.returncode}"
        try:
            answer = await client.get(f"{program.url}/readyz")
        except httpx.TransportError as error:
            return f"{program.name}: {type(error).__name__}"
        return "" if answer.status_code == httpx.codes.OK else f"{program.name}: {answer.text}"

    async def working(self, service: str) -> list[str]:
        """Those of the service that have started: their pages are not answered 503."""
        found = []
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            for program in self.of(service):
                try:
                    answer = await client.get(f"{program.url}{PATHS[service]}/")
                except httpx.TransportError:
                    continue
                if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    found.append(program.name)
        return found

    async def kill(self, name: str) -> None:
        """Kill -9, and wait until it is gone. One that ended by itself is a failure of its own."""
        process = self._running.pop(name)
        assert process.returncode is None, f"{name} ended by itself: {process.returncode}"
        process.send_signal(signal.SIGKILL)
        await process.wait()
        self.kills[next(program.service for program in self.programs if program.name == name)] += 1

    async def stop(self) -> None:
        """SIGTERM to all; raises AssertionError for one that does not end in order within a minute."""
        running, self._running = self._running, {}
        for process in running.values():
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOPS_WITHIN):
                codes = {name: await process.wait() for name, process in running.items()}
        finally:
            await _kill_what_is_left(running.values())
        assert not any(codes.values()), f"did not stop in order: {codes}"

    async def abandon(self) -> None:
        """Kill -9 of whatever runs, without counting it."""
        running, self._running = self._running, {}
        await _kill_what_is_left(running.values())

    def last_words(self) -> str:
        """The end of every log, for the report of a failed test."""
        return "\n".join(
            f"--- {name}\n" + "\n".join(self._log(name).read_text(errors="replace").splitlines()[-_TAIL:])
            for name in self.names
            if self._log(name).exists()
        )

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Started and ready inside the block, stopped in order after it; killed if the block fails, its
        logs' ends printed."""
        try:
            await self.start()
            await self.ready()
            yield
            await self.stop()
        except BaseException:
            print(self.last_words())  # noqa: T201 - pytest shows it with the failure
            raise
        finally:
            await self.abandon()


async def _kill_what_is_left(processes: Iterable[asyncio.subprocess.Process]) -> None:
    for process in processes:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


def services(folder: Path, environment: Mapping[str, str], replicas: Mapping[str, int]) -> Fleet:
    """The three services as processes of their own; the first dispatcher takes receipts of SMS."""
    ports = iter(_free_ports(sum(replicas.values())))
    programs = [
        Program(f"{service}-{number}", service, port, _python("-m", service, "--port", str(port)))
        for service in SERVICES
        for number, port in zip(range(1, replicas[service] + 1), ports, strict=False)
    ]
    dispatcher = next(program for program in programs if program.service == "dispatcher")
    return Fleet(folder, programs, _clean(environment, dispatcher.url))


def onebox(folder: Path, environment: Mapping[str, str]) -> Fleet:
    """`vestnik up`; its PostgreSQL is a process of nobody's and outlives it."""
    port = _free_ports(1)[0]
    vestnik = str(Path(sys.executable).with_name("vestnik"))
    program = Program("vestnik", "onebox", port, (vestnik, "up", "--port", str(port)))
    return Fleet(folder, [program], _clean(environment, program.url))


def _python(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, *arguments)


def _clean(environment: Mapping[str, str], public_url: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VESTNIK_")}
    return {**kept, "VESTNIK_PUBLIC_URL": public_url, **environment}


def _free_ports(count: int) -> list[int]:
    # All are held until all are known, so they differ.
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports
