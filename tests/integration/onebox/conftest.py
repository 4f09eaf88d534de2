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
        return await vestnik(*words, folder=self.folder, settings={**self.settings, **settings})


@pytest.fixture
def place(database: str) -> Iterator[Place]:
    school = build(size=Size(classes=2, pupils=3))
    with own_folder() as folder:
        write_registry(folder / "lists", school)
        settings = {"VESTNIK_DATABASE_URL": database, "VESTNIK_DATA": str(folder / "var")}
        yield Place(folder, settings, school, folder / "lists")
