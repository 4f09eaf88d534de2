"""A real installation in processes of its own: `vestnik up` and the commands beside it."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

VESTNIK = str(Path(sys.executable).with_name("vestnik"))


class CommandFailed(Exception):
    """A command of the installation ended badly; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Installation:
    """How to reach it. `environment` holds every VESTNIK_* of it and nothing of the caller's."""

    url: str
    environment: Mapping[str, str]
    folder: Path

    @property
    def data(self) -> Path:
        return Path(self.environment["VESTNIK_DATA"])

    async def run(self, *words: str) -> str:
        """`vestnik WORDS…` beside the running services; its standard output."""
        process = await asyncio.create_subprocess_exec(
            VESTNIK,
            *words,
            env=dict(self.environment),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, said = await process.communicate()
        if process.returncode:
            raise CommandFailed(f"vestnik {' '.join(words)}: {said.decode().strip()[-2000:]}")
        return out.decode()


def clean_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without its own VESTNIK_*, with these."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VESTNIK_")}
    return {**kept, **settings}


@contextlib.asynccontextmanager
async def installation(folder: Path, port: int, settings: Mapping[str, str]) -> AsyncIterator[Installation]:
    """`vestnik up` until the block ends; entered when every service is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = clean_environment(settings)
    url = f"http://127.0.0.1:{port}"
    with (folder / "vestnik.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            VESTNIK, "up", "--port", str(port), env=environment, cwd=folder, stdout=log, stderr=log
        )
        try:
            await _ready(url, process, folder / "vestnik.log")
            yield Installation(url, environment, folder)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 60)
            if process.returncode is None:
                process.kill()


async def _ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for _ in range(600):
            if process.returncode is not None:
                raise CommandFailed(f"vestnik up: {log.read_text(errors='replace')[-2000:]}")
            with contextlib.suppress(httpx.TransportError):
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise CommandFailed(f"vestnik up не готов за минуту: {log.read_text(errors='replace')[-2000:]}")
