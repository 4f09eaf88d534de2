"""The three gateways together: in this loop, and as a process of its own."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiosmtplib
import httpx

from sandbox.world import World


async def test_in_this_loop(tmp_path: Path) -> None:
    def files() -> list[str]:
        return [file.parent.name for file in tmp_path.glob("*/*")]

    async with World(out=tmp_path) as world:
        assert world.settings()["VESTNIK_SMTP_URL"] == world.smtp_url
        await aiosmtplib.send(
            "Subject: x\r\n\r\nx\r\n",
            sender="a@b.example",
            recipients=["c@d.example"],
            hostname=world.inbox.host,
            port=world.inbox.port,
            start_tls=False,
        )
        assert len(world.inbox.letters) == 1
    assert files() == ["email"]


async def test_as_a_process(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "--out", str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    said = json.loads(await process.stdout.readline())
    async with httpx.AsyncClient() as http:
        for control in said["control"].values():
            assert (await http.get(f"{control}/control/faults")).json() == []
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 10) == 0
