"""A small school's lists, and a migrated installation for commands to work on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.installations import Ended, vestnik

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
def place(database: str, tmp_path: Path) -> Place:
    school = build(size=Size(classes=2, pupils=3))
    write_registry(tmp_path / "lists", school)
    settings = {"VESTNIK_DATABASE_URL": database, "VESTNIK_DATA": str(tmp_path / "var")}
    return Place(tmp_path, settings, school, tmp_path / "lists")
