"""A small school's lists, and a migrated installation for commands to work on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.installations import Ended, own_folder, vestnik

from sandbox.journal import School, Size, build, write_registry


@dataclass(frozen=True)
class Place:
    """A folder to run commands in, on a migrated database. `lists` is the school's registry folder."""

    folder: Path
    settings: Mapping[str, str]
    school: School
    lists: Path

    async def run(self, *words: str, **settings: str) -> Ended:
        if words[:2] == ("registry", "import"):  # the sandbox's papers are of a fixed year
            settings = {"VESTNIK_CLOCK_START": "2026-11-23T08:00:00+03:00", **settings}
        return await vestnik(*words, folder=self.folder, settings={**self.settings, **settings})


@pytest.fixture
def place(database: str) -> Iterator[Place]:
    school = build(size=Size(classes=2, pupils=3))
    with own_folder() as folder:
        write_registry(folder / "lists", school)
        settings = {"VESTNIK_DATABASE_URL": database, "VESTNIK_DATA": str(folder / "var")}
        yield Place(folder, settings, school, folder / "lists")
