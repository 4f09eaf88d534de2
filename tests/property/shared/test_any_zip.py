"""DESIGN §4: whatever bytes are called a OneRoster zip, they are staged or refused, never a crash."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.oneroster import export

from shared.cells import Unfit
from shared.import_report import Report
from shared.oneroster.archive import open_archive
from shared.oneroster.staging import stage

with TemporaryDirectory() as _folder:
    WHOLE = export(Path(_folder) / "roster.zip").read_bytes()
    STORED = export(Path(_folder) / "stored.zip", method=0).read_bytes()
DIRECTORY = STORED.index(b"PK\x01\x02")
SPOILED = st.one_of(
    st.binary(max_size=300).map(lambda noise: b"PK" + noise),
    st.integers(0, len(WHOLE)).map(lambda end: WHOLE[:end]),
    st.tuples(
        st.sampled_from([WHOLE, STORED]),
        st.lists(st.tuples(st.integers(0), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    ).map(lambda drawn: _spoil(*drawn)),
    # The directory at the end says where, how long and of which kind everything is.
    st.lists(
        st.tuples(st.integers(DIRECTORY, len(STORED) - 1), st.binary(min_size=1, max_size=4)),
        min_size=1,
        max_size=4,
    ).map(lambda changes: _spoil(STORED, changes)),
)


def _spoil(data: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    spoiled = bytearray(data)
    for at, put in changes:
        place = at % len(data)
        spoiled[place : place + len(put)] = put
    return bytes(spoiled[: len(data)])


@settings(max_examples=100, deadline=None)
@given(SPOILED)
@example(_spoil(STORED, [(STORED.index(b"PK\x05\x06") + 16, b"\xff")]))
def test_any_zip_is_staged_or_refused(content: bytes) -> None:
    report = Report()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.zip"
        path.write_bytes(content)
        try:
            with open_archive(path) as archive:
                stage(archive, report, lambda *_: None, date(2026, 11, 23)).close()
        except Unfit:
            return
    assert all(refusal.line >= 1 and refusal.reason for refusal in report.refusals)
