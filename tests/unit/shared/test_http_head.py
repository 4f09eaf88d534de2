"""The head of a request is bounded, whichever parser reads it."""

import asyncio
from pathlib import Path

from support.installations import free_port

from shared.serve import serving
from shared.settings import Settings
from shared.web.site import Site


async def test_a_head_without_an_end_is_cut_off(tmp_path: Path) -> None:
    """DESIGN §3: bodies are bounded by those who read them; before a body nobody is there yet."""
    port = free_port()
    async with serving([], Site("shared.web", "", Settings(data=tmp_path)), host="127.0.0.1", port=port):
        for request in (
            b"GET / HTTP/1.1\r\nHost: x\r\nA: ",
            b"GET /",
            b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 9,
        ):
            reader, writer = await _connect(port)
            writer.write(request)
            sent, answer = 0, asyncio.create_task(reader.read())
            while not answer.done():
                writer.write(b"a" * 8192)
                sent += 8192
                assert sent < 1_000_000, "it is read for ever"
                await asyncio.sleep(0)
                if sent > 64 * 1024:
                    await asyncio.wait([answer], timeout=0.05)
            assert answer.exception() is not None or answer.result().startswith(b"HTTP/1.1 400")
            writer.close()

        reader, writer = await _connect(port)  # a long body is no head
        writer.write(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + b"a" * 100_000)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 405")
        assert b"HTTP/1.1 200" in said
        writer.close()


async def _connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(30):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
