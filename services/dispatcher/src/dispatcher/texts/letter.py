"""A message's view as an e-mail (DESIGN §6, «What texts must contain»)."""

import re
from collections.abc import Mapping

from dispatcher.channels.email import envelope_address
from dispatcher.texts import entries, mime, russian, templates
from dispatcher.texts import words as languages
from dispatcher.texts.clean import line
from dispatcher.texts.links import Links
from dispatcher.texts.templates import Form
from dispatcher.texts.words import Words
from dispatcher.view import Kind, MessageView
from shared.categories import Category

_EMPTY_LINES = re.compile(r"\n{3,}")


class _Items:
    """Entries as parts of a letter. What a class is told is written once for all its families."""

    _MOST = 5_000

    def __init__(self, words: Words, form: Form) -> None:
        self._macros = {category: templates.item(words, form, category) for category in Category}
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


class _Bodies:
    """The two bodies of a letter in one language."""

    def __init__(self, words: Words) -> None:
        self._page = templates.letter(words, Form.PAGE)
        self._plain = templates.letter(words, Form.PLAIN)
        self._page_item = _Items(words, Form.PAGE)
        self._plain_item = _Items(words, Form.PLAIN)

    def write(self, said: Mapping[str, object]) -> tuple[str, str]:
        """Plain text and page."""
        plain = self._plain.render(said, item=self._plain_item)
        return _tidy(plain), self._page.render(said, item=self._page_item)


class LetterWriter:
    """Writes e-mails from `mail_from` (an address, or `Name <address>`; the school's name goes first).
    `bounces_to`: where one may unsubscribe by mail, if mail is taken in."""

    def __init__(self, *, mail_from: str, links: Links, bounces_to: str | None = None) -> None:
        self._links = links
        self._bounces_to = bounces_to
        self._from = envelope_address(mail_from.rpartition("<")[2].rstrip("> "))
        self._domain = self._from.rpartition("@")[2]
        self._bodies = {code: _Bodies(words) for code, words in languages.LANGUAGES.items()}

    def write(self, view: MessageView, *, address: str) -> bytes:
        words = languages.of(view.guardian.language)
        groups = entries.groups(view.items, words)
        who = {"school": view.guardian.school, "guardian": view.guardian.guardian, "address": address}
        unsubscribe = self._links.unsubscribe(**who)
        mailto = self._links.unsubscribe_mail(self._bounces_to, **who) if self._bounces_to else None
        about = subject(view, groups, words)
        headers = mime.Headers(
            sender=mime.mailbox(view.school.name, self._from),
            recipient=mime.mailbox(view.guardian.name.polite, _readable(address)),
            subject=about,
            date=view.now.astimezone(view.school.timezone),
            message_id=f"<{view.message}@{self._domain}>",
            language=words.code,
            unsubscribe=unsubscribe,
            unsubscribe_mail=mailto,
        )
        said = {
            "school": line(view.school.name),
            "subject": about,
            "lead": lead(view, words),
            "greeting": words.greeting(line(view.guardian.name.polite)),
            "groups": groups,
            "not_mine": self._links.not_mine(**who) if view.first else "",
            "own_page": self._links.own_page,
            "unsubscribe": unsubscribe,
            "style": templates.style(),
        }
        text, html = self._bodies[words.code].write(said)
        return mime.message(headers, text=text, html=html)


def _tidy(text: str) -> str:
    """At most one empty line in a row: where a template's parts meet there are more."""
    return _EMPTY_LINES.sub("\n\n", text)


def lead(view: MessageView, words: Words) -> str:
    """The letter's first line."""
    today = view.school.today(view.now)
    match view.kind:
        case Kind.IMMEDIATE:
            if all(item.told is not None or item.change.removed for item in view.items):
                return words.lead_fixed
            return words.lead_one if len(view.items) == 1 else words.lead_many
        case Kind.DAILY:
            return words.journal_of(today)
        case Kind.WEEKLY:
            return words.journal_of_week(*(view.period or (today, today)))


def subject(view: MessageView, groups: tuple[entries.Group, ...], words: Words) -> str:
    """Whom and what it is about, without values: subjects show on locked screens (R-D3)."""
    today = view.school.today(view.now)
    children = entries.names(view.children, words)
    match view.kind:
        case Kind.WEEKLY:
            about = words.week(*(view.period or (today, today)))
            if not children:
                return words.no_entries(about)
        case Kind.DAILY:
            about = words.journal_of(today)
            about = about[:1].lower() + about[1:]
        case Kind.IMMEDIATE:
            about = _about(groups, words)
    return line(f"{children} — {about}" if children else russian.capitalised(about))


def _about(groups: tuple[entries.Group, ...], words: Words) -> str:
    listed = [entry for group in groups for section in group.sections for entry in section.entries]
    kinds = list(dict.fromkeys(_thing(entry, words) for entry in listed))
    fixed = listed and all(entry.sort is not entries.Sort.NEWS for entry in listed)
    fixing = f"{words.labels['correction']}: " if fixed else ""
    return fixing + (kinds[0] if len(kinds) == 1 else words.about_many)


def _thing(entry: entries.Entry, words: Words) -> str:
    if entry.category is Category.ATTENDANCE:
        what = entry.facts.attendance_short
    else:
        what = words.subjects[entry.category]
    dated = entry.category in {Category.ATTENDANCE, Category.LESSON} and entry.facts.date
    return f"{what}, {words.day(dated)}" if dated else what


def _readable(address: str) -> str:
    try:
        return envelope_address(address)
    except ValueError:
        return address
