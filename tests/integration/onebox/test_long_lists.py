"""Lists of any length through the command: flat memory, an import cut short, progress in a log."""

import asyncio
import signal
import subprocess
import time
from pathlib import Path

import asyncpg
import pytest
from support.installations import VESTNIK, environment

from .conftest import Place

HEADER = "school,guardian,family_name,given_name,patronymic\n"


def guardians(place: Place, many: int) -> Path:
    """A folder of the school and so many guardians."""
    folder = place.folder / f"guardians-{many}"
    folder.mkdir()
    (folder / "schools.csv").write_text((place.lists / "schools.csv").read_text("utf-8"), "utf-8")
    with (folder / "guardians.csv").open("w", encoding="utf-8") as file:
        file.write(HEADER)
        file.writelines(f"ilinskaya,n-{n},Новикова,Мария {n},Ильинична\n" for n in range(many))
    return folder


def peak_megabytes(place: Place, folder: Path) -> float:
    """The peak of the command's own memory, PostgreSQL apart. Not what `wait4` says: that begins with the
    size of whoever started the process."""
    process = subprocess.Popen(
        [VESTNIK, "registry", "import", str(folder)],
        env=environment(place.settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    status, peak = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        peak = max(peak, int(lines.get("VmHWM", "0 kB").split()[0]))
        time.sleep(0.05)
    assert process.returncode == 0
    return peak / 1024


@pytest.mark.timeout(240)
async def test_memory_does_not_grow_with_the_list(place: Place) -> None:
    """500,000 pupils within 500 MB: the process holds one chunk, so rows eight times as many cost nothing."""
    few = await asyncio.to_thread(peak_megabytes, place, guardians(place, 10_000))
    many = await asyncio.to_thread(peak_megabytes, place, guardians(place, 80_000))
    assert many < few + 6
    assert many < 200


@pytest.mark.timeout(240)
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
async def test_an_import_cut_short_leaves_the_old_lists(place: Place, blow: signal.Signals) -> None:
    """§4: nobody ever sees half a list, and the same command does the whole afterwards."""
    folder = guardians(place, 20_000)
    connection = await asyncpg.connect(place.settings["VESTNIK_DATABASE_URL"])
    process = await asyncio.create_subprocess_exec(
        VESTNIK,
        *("registry", "import", str(folder)),
        env=environment(place.settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    while b"guardians.csv" not in await process.stderr.readline():  # a log gets a line a tenth of the file
        assert process.returncode is None
    process.send_signal(blow)
    _, said = await process.communicate()
    assert process.returncode != 0
    assert b"Traceback" not in said
    assert await connection.fetchval("SELECT count(*) FROM roster.guardian") == 0
    assert await connection.fetchval("SELECT count(*) FROM roster.school") == 0
    again = await place.run("registry", "import", str(folder))
    assert again.code == 0, again.err
    assert await connection.fetchval("SELECT count(*) FROM roster.guardian") == 20_000
    await connection.close()
