"""R-D3: the demo week, and nothing of any family in what others read.

The real `vestnik demo` is played with debug logging. While it runs, the metrics, the arguments of every
process, what PostgreSQL notifies and the keys of the bus are taken down; afterwards the logs of Vestnik and
of PostgreSQL, the temporary files and every address in what families received. All of it is searched for
everything in the lists of the school and in the week of its journal.
"""

import asyncio
import contextlib
import io
import re
from collections.abc import AsyncIterator, Iterator
from email import message_from_bytes, policy
from pathlib import Path

import asyncpg
import httpx
import pytest
from rich.console import Console
from support.installations import own_folder
from support.leaks import Lists, found_in, ids_in, leaks

from onebox.demo.play import play
from onebox.environment import embedded
from sandbox.journal import Size, build, week

KEYS = " UNION ".join(f"SELECT key FROM {schema}.outbox" for schema in ("ingest", "dispatch", "paper"))
SMALL = Size(classes=2, pupils=10, rate=2.5)
FAST = 30_000.0
PAGES = (
    "/",
    "/readyz",
    "/metrics/",
    "/ingest/v1/changes",
    "/dispatcher/receipts/smsaero/x",
    "/dispatcher/u/x",
)
"""What anybody may ask for, errors among it."""


class Watch:
    """What can be seen of a running installation from outside, taken down while it runs."""

    def __init__(self, out: Path, said: io.StringIO) -> None:
        self._out, self._said = out, said
        self.metrics = self.pages = ""
        self.arguments: set[str] = set()
        self.notified: set[str] = set()
        self.keys: set[str] = set()

    @contextlib.asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        while not (address := re.search(r"http://127\.0\.0\.1:\d+", self._said.getvalue())):
            self._take_arguments()
            await asyncio.sleep(0.2)
        async with embedded(self._out / "data") as url, httpx.AsyncClient(base_url=address[0]) as http:
            connection = await asyncpg.connect(url)
            try:
                channels = ("vestnik_bus", "vestnik_dispatch")
                for channel in channels:
                    await connection.add_listener(channel, self._notified)
                while True:
                    self._take_arguments()
                    self.keys |= {row["key"] for row in await connection.fetch(KEYS)}
                    with contextlib.suppress(httpx.TransportError):
                        self.metrics = (await http.get("/metrics")).text
                        self.pages = "".join([(await http.get(path)).text for path in PAGES])
                    await asyncio.sleep(1)
            finally:
                await connection.close()

    def _notified(self, _connection: object, _process: int, channel: str, payload: object) -> None:
        self.notified.add(f"{channel}: {payload}")

    def _take_arguments(self) -> None:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                self.arguments.add(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))


@pytest.fixture
def out() -> Iterator[Path]:
    with own_folder() as folder:
        yield folder / "demo"


async def test_a_played_week_leaves_nothing_of_a_family_where_others_read(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-D3: zero hits; a failure says where what kind of thing was found, never the thing itself."""
    said = io.StringIO()
    temporary = out.parent / "temporary"
    temporary.mkdir()
    temporary.chmod(0o777)  # PostgreSQL may run as another user
    monkeypatch.setenv("TMPDIR", str(temporary))  # for every process of the week
    watch = Watch(out, said)
    async with watch.on():
        console = Console(file=said, width=200)
        account = await play(out, console, size=SMALL, rate=FAST, log_level="debug", patience=240)
    assert account.adds_up, (account.owed, account.sum, account.discrepancies)
    lists = Lists(out / "registry", encoding="windows-1251", delimiter=";")
    wanted = lists.needles(moment.event for moment in week(build(size=SMALL)))
    letters = [path.read_bytes() for path in (out / "email").rglob("*.eml")]
    told = "\n".join(_body(letter) for letter in letters)
    places = {
        "vestnik.log": (out / "vestnik.log").read_text(encoding="utf-8"),
        "what the demo said": said.getvalue(),
        "PostgreSQL's log": _texts_of(out / "data", "postgres/**/*.log"),
        "metrics": watch.metrics,
        "pages": watch.pages,
        "arguments of processes": "\n".join(watch.arguments),
        "what PostgreSQL notified": "\n".join(watch.notified),
        "keys of the bus": "\n".join(watch.keys),
        "addresses in letters": "\n".join(re.findall(r"https?://[^\s\"<>]+", told)),
        "temporary files": _texts_of(temporary, "**/*"),
    }

    # There was something to search, and the search finds what is there.
    assert len(wanted) > 250
    assert len(found_in(told, wanted)) > 40
    for place in set(places) - {"temporary files"}:
        assert places[place], place
    assert '"level": "debug"' in places["vestnik.log"] or "[debug" in places["vestnik.log"]
    assert re.search(r"^\w+\{?.* \d", places["metrics"], re.MULTILINE)

    found = leaks(places, wanted)
    # Where even a person's number in the school says too much.
    for place in ("metrics", "keys of the bus", "what PostgreSQL notified", "addresses in letters"):
        if numbers := ids_in(places[place], lists.ids()):
            found.setdefault(place, []).extend(numbers)
    assert found == {}, f"searched: {', '.join(places)}; for {len(wanted)} values"


def _body(letter: bytes) -> str:
    message = message_from_bytes(letter, policy=policy.default)
    parts = [str(value) for value in message.values()]
    parts += [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join(parts)


def _texts_of(folder: Path, pattern: str) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in folder.glob(pattern) if path.is_file()
    )
