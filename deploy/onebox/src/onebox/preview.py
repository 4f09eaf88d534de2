"""`vestnik preview`: what a family would read, from sample data; needs no database and no settings."""

from pathlib import Path

import typer

from dispatcher.notices import notice
from dispatcher.notices import samples as notices
from dispatcher.texts import preview, samples
from dispatcher.texts.words import LANGUAGES
from dispatcher.texts.words.russian import RUSSIAN
from dispatcher.view import Kind, MessageView
from shared.categories import ELECTRONIC, Category, Channel
from shared.errors import ForPeople

_KINDS: dict[str, str] = {
    Kind.IMMEDIATE: "сразу",
    Kind.DAILY: "сводка за день",
    Kind.WEEKLY: "сводка за неделю",
}
_CHANNELS: dict[str, str] = {
    Channel.EMAIL: "электронная почта",
    Channel.PUSH: "push-уведомление",
    Channel.SMS: "СМС",
}


def run(
    what: str | None,
    channel: str | None,
    *,
    kind: str,
    language: str,
    correction: bool,
    removed: bool,
    html: Path | None,
) -> None:
    """Prints the catalogue, or the message, or writes its page. Raises ForPeople."""
    if what is None:
        typer.echo(catalogue())
        return
    if what in set(notice.Kind):
        typer.echo(preview.readable(notices.letter(notice.Kind(what))), nl=False)
        return
    if kind not in _KINDS:
        raise ForPeople(f"Нет такого --kind: {kind}. Есть: {', '.join(_KINDS)}.")
    view = chosen(what, kind=Kind(kind), language=language, correction=correction, removed=removed)
    channels = channels_of(channel)
    if html is None:
        typer.echo(shown(view, channels), nl=False)
        return
    if Channel.EMAIL not in channels:
        raise ForPeople("Страница есть только у письма: vestnik preview … email --html ФАЙЛ.")
    write_page(view, html)
    typer.echo(html)


def catalogue() -> str:
    """What can be shown."""
    return "\n".join(
        (
            "vestnik preview ЧТО [КАНАЛ]",
            "",
            "Что (категория):",
            *_listed({str(category): title.lower() for category, title in RUSSIAN.titles.items()}),
            "или целое сообщение:",
            *(f"  {name}" for name in samples.letters()),
            "или письмо работнику школы:",
            *(f"  {kind}" for kind in notice.Kind),
            "",
            "Канал (без него — все):",
            *_listed(_CHANNELS),
            "",
            "Как пришло (--kind), для категорий:",
            *_listed(_KINDS),
            "",
            "Исправление: --correction; удаление: --removed.",
            f"Язык: --language {' | '.join(LANGUAGES)}. Письмо страницей: --html ФАЙЛ.",
        )
    )


def chosen(what: str, *, kind: Kind, language: str, correction: bool, removed: bool) -> MessageView:
    """The message that was asked for."""
    if language not in LANGUAGES:
        raise ForPeople(f"Нет такого языка: {language}. Есть: {', '.join(LANGUAGES)}.")
    if what in samples.letters():
        if correction or removed or kind is not Kind.IMMEDIATE:
            raise ForPeople(f"«{what}» — целое сообщение: --kind, --correction и --removed не для него.")
        return preview.spoken(samples.letters()[what], language)
    try:
        category = Category(what)
    except ValueError:
        raise ForPeople(f"Нечего показать под именем «{what}». Что есть, скажет vestnik preview.") from None
    if correction and removed:
        raise ForPeople("--correction или --removed: одно из двух.")
    item = preview.sample(category, correction=correction, removed=removed)
    if item is None:
        raise ForPeople(
            f"«{RUSSIAN.titles[category]}»: такие записи не удаляются, их только заменяют новыми."
        )
    return preview.message([item], kind=kind, language=language)


def shown(view: MessageView, channels: tuple[Channel, ...]) -> str:
    """Each channel's text, under its name where there are several."""
    made = preview.Preview()
    texts = {channel: made.text(view, channel) for channel in channels}
    if len(texts) == 1:
        return "".join(texts.values())
    return "\n".join(f"=== {_CHANNELS[channel]}\n{text}" for channel, text in texts.items())


def write_page(view: MessageView, file: Path) -> None:
    """The letter as a page for a browser."""
    try:
        file.write_text(preview.Preview().letter(view).page, encoding="utf-8")
    except OSError as wrong:
        raise ForPeople(f"Страница не записана: {file}: {wrong.strerror}.") from wrong


def channels_of(name: str | None) -> tuple[Channel, ...]:
    if name is None:
        return ELECTRONIC
    if name not in ELECTRONIC:
        raise ForPeople(f"Нет такого канала: {name}. Есть: {', '.join(ELECTRONIC)}.")
    return (Channel(name),)


def _listed(names: dict[str, str]) -> list[str]:
    return [f"  {name:<14}{said}" for name, said in names.items()]
