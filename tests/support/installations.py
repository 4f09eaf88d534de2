"""Real processes of Vestnik for tests: the command, the services, on settings of their own."""

import asyncio
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

VESTNIK = str(Path(sys.executable).with_name("vestnik"))


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command answered, said aside, and ended with."""

    code: int
    out: str
    err: str


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The caller's without its own VESTNIK_*, with these; time and text the same everywhere."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VESTNIK_")}
    return {**kept, "COLUMNS": "200", **settings}


async def vestnik(*words: str, folder: Path, settings: Mapping[str, str] | None = None) -> Ended:
    """`vestnik WORDS…` to its end."""
    process = await asyncio.create_subprocess_exec(
        VESTNIK,
        *words,
        env=environment(settings or {}),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return Ended(process.returncode, out.decode(), err.decode())


@dataclass(frozen=True, slots=True)
class Running:
    """A listening program. `said` is the file that holds its standard output and error."""

    process: asyncio.subprocess.Process
    http: httpx.AsyncClient
    said: Path

    async def until(self, status: int, path: str = "/readyz") -> httpx.Response:
        """The first answer of this status; the test's own time limit ends a wait in vain."""
        while True:
            assert self.process.returncode is None, self.said.read_text(errors="replace")
            try:
                answer = await self.http.get(path)
            except httpx.TransportError:
                pass
            else:
                if answer.status_code == status:
                    return answer
            await asyncio.sleep(0.05)

    async def told_to_stop(self) -> int:
        """What it ends with after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


@asynccontextmanager
async def listening(*command: str, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Running]:
    """`command --port N` in `folder`; stopped at the end, gently first."""
    port = free_port()
    said = folder / f"said-{port}.log"
    with said.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            "--port",
            str(port),
            env=environment(settings),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http:
        running = Running(process, http, said)
        try:
            yield running
        finally:
            if process.returncode is None:
                try:
                    await asyncio.wait_for(running.told_to_stop(), 60)
                finally:
                    if process.returncode is None:
                        process.kill()
                        await process.wait()


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder an embedded server may live in: pytest's own is closed again by every other run."""
    folder = Path(tempfile.mkdtemp(prefix="vestnik-box-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
