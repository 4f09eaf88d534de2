"""R-D3: the demo week, and nothing of any family in what others read.

The real `vestnik demo` is played with debug logging. While it runs, the metrics, the arguments of every
process, what PostgreSQL notifies and the keys of the bus are taken down; afterwards the logs of Vestnik and
of PostgreSQL, the temporary files and every address in what families received. All of it is searched for
everything in the lists of the school and in the week of its journal.
"""

import asyncio
import contextlib
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path

import asyncpg
import httpx
import pytest
from rich.console import Console
from support.installations import own_folder
from support.leaks import Needle, found_in

from onebox.demo.play import play
from onebox.environment import embedded
from sandbox.journal import Size, build, week

KEYS = " UNION ".join(f"SELECT key FROM {schema}.outbox" for schema in ("ingest", "dispatch", "paper"))
WORDS = ("comment", "text", "title", "topic", "homework", "remark", "reason", "place", "teacher", "name")
"""Where a journal's event holds words of people."""
NOT_PERSONAL = ("course", "attachment")
"""A subject's name («История») is a word of any text."""


def needles(registry: Path) -> Iterator[Needle]:
    """Every value of the lists and of the week that tells of a family, with where it is from."""
    for name, person in (("pupils", "pupil"), ("guardians", "guardian")):
        for row in rows(registry / f"{name}.csv"):
            family, given, patronymic = (row[part] for part in ("family_name", "given_name", "patronymic"))
            for words in (family, f"{family} {given}", f"{given} {family}", f"{given} {patronymic}"):
                yield Needle(f"{name}.csv, {row[person]}", words.strip())
            if born := row.get("birth_date"):
                yield Needle(f"{name}.csv, {row[person]}", born)
                yield Needle(f"{name}.csv, {row[person]}", f"{date.fromisoformat(born):%d.%m.%Y}")
    for row in rows(registry / "contacts.csv"):
        yield from _of_contact(f"contacts.csv, {row['guardian']}", row["channel"], row["address"])
    for moment in week(build(size=Size(classes=3, pupils=22, rate=2.5))):
        for words in _texts(moment.event["data"]):
            yield Needle(f"the week, {moment.event['type']}", words)


def _of_contact(where: str, channel: str, address: str) -> Iterator[Needle]:
    if channel != "push":
        yield Needle(where, address, digits=channel == "sms")
        return
    subscription = json.loads(address)
    for words in (subscription["endpoint"], *subscription["keys"].values()):
        yield Needle(where, words)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="windows-1251", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _texts(data: object, within: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for name, value in data.items():
            if name in WORDS and isinstance(value, str) and (within not in NOT_PERSONAL or name == "teacher"):
                yield value
            yield from _texts(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value, within)


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
            await asyncio.sleep(0.05)
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
                        self.pages = "".join([(await http.get(path)).text for path in ("/", "/readyz")])
                    await asyncio.sleep(0.5)
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


@pytest.mark.slow
@pytest.mark.timeout(540)
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
        account = await play(out, Console(file=said, width=200), log_level="debug", patience=240)
    assert account.adds_up, (account.owed, account.sum, account.discrepancies)
    wanted = {needle for needle in needles(out / "registry") if needle.worth_searching}
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
    assert len(wanted) > 400
    assert len(found_in(told, wanted)) > 50
    for place in set(places) - {"temporary files"}:
        assert places[place], place
    assert '"level": "debug"' in places["vestnik.log"] or "[debug" in places["vestnik.log"]
    assert re.search(r"^\w+\{?.* \d", places["metrics"], re.MULTILINE)

    hits = {
        place: sorted({needle.where for needle in found_in(text, wanted)}) for place, text in places.items()
    }
    # Where even a person's number in the school says too much.
    people = {row[name] for name in ("pupil", "guardian") for row in rows(out / "registry" / f"{name}s.csv")}
    for place in ("metrics", "keys of the bus", "what PostgreSQL notified", "addresses in letters"):
        hits[place] += sorted(people & set(re.split(r"[^\w-]+", places[place])))
    searched = f"searched: {', '.join(places)}; for {len(wanted)} values"
    assert {place: where for place, where in hits.items() if where} == {}, searched


def _body(letter: bytes) -> str:
    message = message_from_bytes(letter, policy=policy.default)
    parts = [str(value) for value in message.values()]
    parts += [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join(parts)


def _texts_of(folder: Path, pattern: str) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8", errors="replace") for path in folder.glob(pattern) if path.is_file()
    )
