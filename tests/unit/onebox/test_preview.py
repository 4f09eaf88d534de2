"""`vestnik preview`: whoever answers for the texts reads them without an installation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dispatcher.notices.notice import Kind
from onebox.cli import app
from shared.categories import ELECTRONIC, Category
from shared.errors import ForPeople


def shown(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["preview", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_alone_it_lists_what_there_is() -> None:
    said = shown()
    for name in (*Category, *ELECTRONIC, "weekly-empty", "first", "--correction", "--html"):
        assert name in said


@pytest.mark.parametrize("category", Category)
def test_every_category_on_every_channel(category: str) -> None:
    said = shown(category)
    assert "Subject: " in said
    assert '"title"' in said
    assert "(1 часть)" in said


def test_a_message_is_shown_as_the_family_gets_it() -> None:
    assert shown("mark", "sms", "--correction") == (
        "Иван П.: отметка исправлена с 5 на 4, алгебра, 23.11\n(1 часть)\n"
    )
    assert "отметка 5 удалена" in shown("mark", "sms", "--removed")
    assert "mark 5, algebra, 23 Nov" in shown("mark", "sms", "--language", "en")
    assert "Журнал за неделю" in shown("mark", "email", "--kind", "weekly")


@pytest.mark.parametrize("kind", Kind)
def test_letters_to_staff_too(kind: str) -> None:
    said = shown(kind)
    assert "Subject: Вестник: " in said
    assert "Здравствуйте!" in said
    assert kind in shown()


def test_a_letter_is_written_as_a_page(tmp_path: Path) -> None:
    file = tmp_path / "letter.html"
    assert shown("daily", "email", "--html", str(file)) == f"{file}\n"
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing",), "Нечего показать"),
        (("mark", "paper"), "Нет такого канала"),
        (("mark", "--kind", "hourly"), "Нет такого --kind"),
        (("mark", "--language", "tt"), "Нет такого языка"),
        (("lesson", "--removed"), "не удаляются"),
        (("mark", "--removed", "--correction"), "одно из двух"),
        (("daily", "--removed"), "целое сообщение"),
        (("mark", "sms", "--html", "x.html"), "только у письма"),
        (("mark", "--html", "/nowhere/x.html"), "не записана"),
    ],
)
def test_a_slip_is_answered_with_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ForPeople, match=sentence):
        CliRunner().invoke(app, ["preview", *arguments], catch_exceptions=False)


def test_neither_database_nor_settings_are_needed(tmp_path: Path) -> None:
    environment = {**os.environ, "VESTNIK_DATABASE_URL": "nonsense", "VESTNIK_BUS": "nonsense"}
    done = subprocess.run(
        [sys.executable, "-c", "from onebox.cli import main; main()", "preview", "attendance", "sms"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "Иван П.: пропуск, алгебра, 2-й урок, 23.11\n(1 часть)\n"
    assert list(tmp_path.iterdir()) == []
