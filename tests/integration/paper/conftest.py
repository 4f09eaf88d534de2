"""A school on a real database whose clock the test turns by hand."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from integration.paper.school import SchoolOnPaper


@pytest.fixture
async def school(database: str, tmp_path: Path) -> AsyncIterator[SchoolOnPaper]:
    made = await SchoolOnPaper.open(database, tmp_path)
    try:
        yield made
    finally:
        await made.close()
