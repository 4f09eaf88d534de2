"""R-D3: an exception in a log is its kind and place; what it quotes stays out."""

import asyncio
import json
import sys
from pathlib import Path

from support.installations import environment

PROGRAM = """
import logging, structlog, sys
from shared.logging import configure
configure("debug")
class Refused(Exception): pass
def deep():
    try: raise ValueError(sys.argv[1])
    except ValueError as why: raise Refused(f"Failing row contains {sys.argv[1]}") from why
for how in (lambda: structlog.get_logger().exception("a.b"),
            lambda: logging.getLogger("uvicorn.error").error("in the application", exc_info=True)):
    try: deep()
    except Refused: how()
structlog.get_logger().info("c.d", number=1)
"""


async def test_an_exception_is_logged_without_its_words(tmp_path: Path) -> None:
    """Ours and a library's: JSON lines with the chain of kinds and places."""
    path = tmp_path / "program.py"
    path.write_text(PROGRAM, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(path), "Королёва Анна", env=environment({}), stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    lines = [json.loads(line) for line in said.decode().splitlines()]
    assert [line["event"] for line in lines] == ["a.b", "in the application", "c.d"]
    for line in lines[:2]:
        assert "builtins.ValueError" in line["exception"]
        assert line["exception"].endswith("Refused")
        assert "in deep" in line["exception"]
    assert "Королёва" not in said.decode()
