"""Every message as its reader gets it, kept in `golden/<language>/` for a head teacher to read.

`<category>/<channel>.txt` tells every situation of a category on one channel; `<category>/email.html` shows
them on one page; `letters/` are whole messages. The matrix comes from the enums and `texts.samples`: what
is new has no file, and fails. After a change: `make texts`, then read the diff.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dispatcher.texts import samples
from dispatcher.texts.preview import Preview, message, spoken
from dispatcher.texts.words import LANGUAGES
from dispatcher.view import Kind
from shared.categories import ELECTRONIC, Category, Channel

GOLDEN = Path(__file__).parent / "golden"
PREVIEW = Preview()


def items_of(text: str) -> str:
    """What a letter says between its greeting and its foot: the rest is in `letters/`."""
    return text.partition("!\n")[2].partition("\n--\n")[0].strip() + "\n"


def one(language: str, category: Category, channel: Channel) -> str:
    blocks = []
    for name, item in samples.situations(category).items():
        view = message([item], language=language)
        if channel is Channel.EMAIL:
            letter = PREVIEW.letter(view)
            subject = next(row for row in letter.headers.splitlines() if row.startswith("Subject: "))
            said = f"{subject}\n\n{items_of(letter.text)}"
        else:
            said = PREVIEW.text(view, channel)
        blocks.append(f"##### {name}\n{said}")
    return "\n".join(blocks)


def page(language: str, category: Category) -> str:
    items = samples.situations(category).values()
    return PREVIEW.letter(message(items, kind=Kind.DAILY, language=language)).page


def matrix() -> Iterator[tuple[str, Callable[[], str]]]:
    for language in LANGUAGES:
        for category in Category:
            yield f"{language}/{category}/email.html", lambda a=language, b=category: page(a, b)
            for channel in ELECTRONIC:
                yield (
                    f"{language}/{category}/{channel}.txt",
                    lambda a=language, b=category, c=channel: one(a, b, c),
                )
        for name, view in samples.letters().items():
            whole = spoken(view, language)
            yield f"{language}/letters/{name}/email.html", lambda a=whole: PREVIEW.letter(a).page
            for channel in ELECTRONIC:
                yield (
                    f"{language}/letters/{name}/{channel}.txt",
                    lambda a=whole, c=channel: PREVIEW.text(a, c),
                )


MATRIX = dict(matrix())


@pytest.mark.parametrize("name", MATRIX)
def test_it_reads_as_it_was_read_by_a_person(name: str) -> None:
    """R-A1 to R-A9, R-A11, R-A12, R-B6, R-C6, word by word."""
    said, file = MATRIX[name](), GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(said, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == said


def test_no_golden_file_is_left_over() -> None:
    kept = {str(file.relative_to(GOLDEN)) for file in GOLDEN.rglob("*") if file.is_file()}
    assert kept == set(MATRIX)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_category_and_channel_has_its_template(language: str) -> None:
    """No empty text hides behind a golden file."""
    for category in Category:
        for channel in ELECTRONIC:
            text = one(language, category, channel)
            assert text.count("#####") == len(samples.situations(category))
            assert "None" not in text
            assert "\n\n\n" not in text
