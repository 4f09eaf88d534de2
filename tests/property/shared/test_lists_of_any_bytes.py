"""DESIGN §4: whatever bytes are called a list, each line is a row or a refusal in words, never a crash."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatcher import papers
from ingest import roster
from shared.cells import Cells, Unfit
from shared.csv_sheet import LONGEST_LINE, open_csv

TABLES = (*roster.TABLES, *papers.tables({}))
TODAY = date(2026, 11, 23)
PIECES = st.sampled_from(
    [
        "school,pupil,class\n",
        "a,b,c\n",
        '"',
        ",",
        ";",
        "\n",
        "\r",
        "\0",
        "\ufeff",
        "\u202e",
        "Ӏ",
        "ё",
        "x" * 70_000,
    ]
)
HOSTILE = st.one_of(
    st.binary(max_size=400),
    st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()),
    st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode("cp1251", "ignore")),
)
CELL = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["email", "sms", "push", "mother", "*", "2026-09-01", "1.3", "a@b.example", '{"endpoint":1}']
    ),
)


@settings(max_examples=60, deadline=None)
@given(HOSTILE)
@example(b'a,b\n"' + b"x\n" * 50)
@example(b"a,b\n" + b"y" * 3 * LONGEST_LINE + b"\nc,d\n")
def test_any_bytes_are_rows_or_reasons(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_bytes(content)
        try:
            with open_csv(path) as sheet:
                told = list(sheet.rows)
        except Unfit:
            return
    lines = [line for line, _ in told]
    assert lines == sorted(set(lines)), "each row once, in order"
    for line, row in told:
        assert line > 1
        assert isinstance(row, Unfit) or all(len(cell) <= 2 * LONGEST_LINE for cell in row)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TABLES), st.data())
def test_any_cells_are_a_row_or_a_reason(table: papers.Table, data: st.DataObject) -> None:
    names = (*table.required, *table.optional)
    row = data.draw(st.lists(CELL, max_size=len(names)))
    try:
        found = table.row(Cells({name: at for at, name in enumerate(names)}, row, TODAY))
    except Unfit:
        return
    assert set(found) == set(table.columns)
