"""POST over plain HTTP/1.1 in as few instructions as the protocol allows: what plays the world must leave
the cores to what is measured."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from urllib.parse import urlsplit

IDLE_SECONDS = 3.0
"""A connection is not used after so long: the server may be closing it."""

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter, float]


class Poster:
    """Keeps connections for the next request; any number of requests at a time."""

    def __init__(self) -> None:
        self._idle: defaultdict[tuple[str, int], list[_Connection]] = defaultdict(list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Status and body of the answer, which must have a length. Raises OSError or IncompleteReadError."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None:
            raise OSError("plain http only")
        at = parts.hostname, parts.port or 80
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n{lines}\r\n"
        reader, writer = await self._connection(at)
        try:
            writer.write(head.encode() + body)
            said = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
            lengths = [line for line in said if line.lower().startswith(b"content-length:")]
            answer = await reader.readexactly(int(lengths[0].split(b":")[1]))
        except IndexError:
            writer.close()
            raise OSError("an answer without a length") from None
        except BaseException:
            writer.close()
            raise
        self._idle[at].append((reader, writer, time.monotonic()))
        return int(said[0].split()[1]), answer

    def close(self) -> None:
        for connections in self._idle.values():
            for _, writer, _ in connections:
                writer.close()
        self._idle.clear()

    async def _connection(self, at: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        idle = self._idle[at]
        while idle:
            reader, writer, since = idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(*at)
