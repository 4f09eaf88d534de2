"""A message's view as an e-mail (DESIGN §6, «What texts must contain»)."""

import re

from dispatcher.channels.email import envelope_address
from dispatcher.texts import entries, mime, russian, wording
from dispatcher.texts.clean import line
from dispatcher.texts.links import Links
from dispatcher.texts.templates import macro, style, template
from dispatcher.view import Kind, MessageView
from shared.categories import Category

_EMPTY_LINES = re.compile(r"\n{3,}")


class _Items:
    """Entries as parts of a letter. What a class is told is written once for all its families."""

    _MOST = 5_000

    def __init__(self, kind: str) -> None:
        self._macros = {category: macro(f"{category}/email.{kind}.j2") for category in Category}
        self._written: dict[tuple[int, int, entries.Sort], tuple[entries.Entry, str]] = {}

    def __call__(self, entry: entries.Entry) -> str:
        key = (id(entry.facts), id(entry.was), entry.sort)
        known = self._written.get(key)
        if known is not None and known[0].facts is entry.facts and known[0].was is entry.was:
            return known[1]
        if len(self._written) >= self._MOST:
            self._written.clear()
        written = self._macros[entry.category](entry, entry.facts)
        self._written[key] = (entry, written)  # the entry keeps its facts alive, and so their identity
        return written


class LetterWriter:
    """Writes e-mails from `mail_from` (an address, or `Name <address>`; the school's name goes first)."""

    def __init__(self, *, mail_from: str, links: Links) -> None:
        self._links = links
        self._from = envelope_address(mail_from.rpartition("<")[2].rstrip("> "))
        self._domain = self._from.rpartition("@")[2]
        self._html = template("email/letter.html.j2")
        self._text = template("email/letter.txt.j2")
        self._html_item = _Items("html")
        self._text_item = _Items("txt")

    def write(self, view: MessageView, *, address: str) -> bytes:
        groups = entries.groups(view.items)
        who = {"school": view.guardian.school, "guardian": view.guardian.guardian, "address": address}
        unsubscribe = self._links.unsubscribe(**who)
        said = {
            "school": line(view.school.name),
            "subject": subject(view, groups),
            "lead": lead(view),
            "greeting": greeting(line(view.guardian.name.polite)),
            "groups": groups,
            "not_mine": self._links.not_mine(**who) if view.first else "",
            "own_page": self._links.own_page,
            "unsubscribe": unsubscribe,
            "style": style(),
        }
        headers = mime.Headers(
            sender=mime.mailbox(view.school.name, self._from),
            recipient=mime.mailbox(view.guardian.name.polite, _readable(address)),
            subject=str(said["subject"]),
            date=view.now.astimezone(view.school.timezone),
            message_id=f"<{view.message}@{self._domain}>",
            language="ru",
            unsubscribe=unsubscribe,
        )
        text = self._text.render(said, item=self._text_item)
        html = self._html.render(said, item=self._html_item)
        return mime.message(headers, text=_tidy(text), html=html)


def _tidy(text: str) -> str:
    """At most one empty line in a row: where a template's parts meet there are more."""
    return _EMPTY_LINES.sub("\n\n", text)


def greeting(polite: str) -> str:
    return f"Здравствуйте, {polite.replace(' ', russian.NBSP)}!" if polite else "Здравствуйте!"


def lead(view: MessageView) -> str:
    """The letter's first line."""
    today = view.school.today(view.now)
    match view.kind:
        case Kind.IMMEDIATE:
            if all(item.told is not None or item.change.removed for item in view.items):
                return "Исправление в журнале"
            return "Новая запись в журнале" if len(view.items) == 1 else "Новые записи в журнале"
        case Kind.DAILY:
            return f"Журнал за {russian.day(today)}"
        case Kind.WEEKLY:
            return f"Журнал за неделю {russian.period(*(view.period or (today, today)))}"


def subject(view: MessageView, groups: tuple[entries.Group, ...]) -> str:
    """Whom and what it is about, without values: subjects show on locked screens (R-D3)."""
    today = view.school.today(view.now)
    children = entries.names(view.children)
    match view.kind:
        case Kind.WEEKLY:
            week = f"неделя {russian.period(*(view.period or (today, today)))}"
            return f"{children} — {week}" if children else f"{russian.capitalised(week)}: записей не было"
        case Kind.DAILY:
            about = f"журнал за {russian.day(today)}"
        case Kind.IMMEDIATE:
            about = _about(groups)
    return line(f"{children} — {about}" if children else russian.capitalised(about))


def _about(groups: tuple[entries.Group, ...]) -> str:
    listed = [entry for group in groups for section in group.sections for entry in section.entries]
    kinds = list(dict.fromkeys(_thing(entry) for entry in listed))
    fixing = "исправление: " if listed and all(e.sort is not entries.Sort.NEWS for e in listed) else ""
    return fixing + (kinds[0] if len(kinds) == 1 else "новые записи в журнале")


def _thing(entry: entries.Entry) -> str:
    if entry.category is Category.ATTENDANCE:
        what = entry.facts.attendance_short
    else:
        what = wording.SUBJECTS[entry.category]
    dated = entry.category in {Category.ATTENDANCE, Category.LESSON} and entry.facts.date
    return f"{what}, {russian.day(dated)}" if dated else what


def _readable(address: str) -> str:
    try:
        return envelope_address(address)
    except ValueError:
        return address
