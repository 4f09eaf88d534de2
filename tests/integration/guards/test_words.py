"""Every word the database may hold has its Russian and its place in the ledger."""

import ast
from dataclasses import fields
from pathlib import Path

import pytest

import dispatcher
from dispatcher import words
from dispatcher.deadlines import SAID, Why
from dispatcher.ledger import Sum
from dispatcher.messages import TRANSITIONS, Status
from dispatcher.notices.notice import Kind
from dispatcher.notices.whom import AUDIENCE
from dispatcher.notices.wording import WORDS
from dispatcher.planning.corrections import Silence
from dispatcher.providers import Stand
from shared.categories import Category, Channel
from shared.changes import TYPES
from shared.routing import Reason, Verdict

OUTCOMES = {"Retry", "AddressFailed", "MessageFailed", "Misconfigured", "Unknown"}
RUSSIAN = set("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")
FOREIGN = {"SMS", "push"}


@pytest.mark.parametrize(
    ("table", "wanted"),
    [
        (words.TYPES, set(TYPES)),
        (words.CATEGORIES, {category.value for category in Category}),
        (SAID, {why.value for why in Why}),
        (words.VERDICTS, {verdict.value for verdict in Verdict}),
        (words.CHANNELS, {channel.value for channel in Channel}),
        (words.STATUSES, {status.value for status in Status}),
        (words.STANDS, {stand.value for stand in Stand}),
        (words.LEDGER, {field.name for field in fields(Sum)} - {"decisions"}),
        (words.NOTICES, {kind.value for kind in Kind}),
        (words.REASONS, {reason.value for reason in (*Reason, *Silence)}),
    ],
    ids=[
        "types",
        "categories",
        "waits",
        "verdicts",
        "channels",
        "statuses",
        "stands",
        "ledger",
        "notices",
        "reasons",
    ],
)
def test_every_word_has_its_russian(table: dict[str, str], wanted: set[str]) -> None:
    assert wanted <= set(table)
    assert set(table) <= wanted or table is words.REASONS, "a label of nothing"
    for label in table.values():
        assert label in FOREIGN or set(label.lower()) & RUSSIAN, label


def test_every_notice_has_its_words_and_its_readers() -> None:
    assert set(WORDS) == set(AUDIENCE) == set(Kind)


def test_every_status_has_its_place_in_the_ledger() -> None:
    """Pending ones share a column, the others have their own; so the sum can add up (§7)."""
    columns = {field.name for field in fields(Sum)}
    for status in Status:
        assert status.pending or status.value in columns, status
        assert status in TRANSITIONS


def reasons_in_code() -> dict[str, str]:
    """Each machine word that sending writes as a `reason=`, and where. What adapters say of a gateway
    begins with its name and a colon and is for operators as it is."""
    found: dict[str, str] = {}
    folder = Path(dispatcher.__file__).parent
    for path in sorted(folder.rglob("*.py")):
        if "channels" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for said in _reasons(node):
                if isinstance(said, ast.Constant) and isinstance(said.value, str) and ":" not in said.value:
                    found[said.value] = f"{path.name}:{said.lineno}"
    return found


def _reasons(node: ast.AST) -> list[ast.expr]:
    """What stands as a reason: `reason=…`, and the first argument of an outcome."""
    if isinstance(node, ast.keyword) and node.arg == "reason":
        return [node.value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OUTCOMES:
        return node.args[:1]
    return []


def test_every_reason_that_sending_writes_has_its_russian() -> None:
    said = reasons_in_code()
    assert {"lease_ran_out", "not_rendered"} <= set(said)
    assert {word: place for word, place in said.items() if word not in words.REASONS} == {}
