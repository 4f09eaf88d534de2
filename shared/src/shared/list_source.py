"""What `vestnik registry import` was given: a folder, a OneRoster zip, or a folder with one (DESIGN §4)."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path

from shared.cells import Unfit
from shared.import_report import Refusal, Report
from shared.list_folder import Folder
from shared.lists import Progress
from shared.sheet import Lists


@contextmanager
def open_lists(path: Path, report: Report, progress: Progress, *, today: date) -> Iterator[Lists]:
    """The lists at `path`. A zip of no use is refused in the report; files beside it in a folder are read."""
    beside = Folder(path if path.is_dir() else None)
    zips = sorted(path.glob("*.zip")) if path.is_dir() else [path]
    lists: Lists = beside
    with ExitStack() as stack:
        if len(zips) > 1:
            report.refuse([Refusal(one.name, 1, "в папке несколько архивов: оставьте один") for one in zips])
        elif zips:
            from shared.oneroster.source import open_oneroster  # noqa: PLC0415 - few lists are of this kind

            try:
                lists = stack.enter_context(open_oneroster(zips[0], beside, report, progress, today=today))
            except Unfit as unfit:
                report.refuse([Refusal(zips[0].name, 1, str(unfit))])
        yield lists
