"""One plain-text e-mail about all that waited for a member of staff: what happened, what is safe, what
to do next."""

from collections.abc import Sequence
from datetime import datetime

from dispatcher.channels.email import envelope_address
from dispatcher.notices import wording
from dispatcher.notices.store import Letter
from dispatcher.notices.view import Seen
from dispatcher.texts import mime
from dispatcher.texts.clean import line

_SENDER = "Вестник"
_END = "Это письмо составлено автоматически, отвечать на него не нужно."


class StaffLetters:
    """Writes the letters of one installation; `mail_from` as in the settings."""

    def __init__(self, *, mail_from: str, public_url: str) -> None:
        self._from = envelope_address(mail_from.rpartition("<")[2].rstrip("> "))
        self._domain = self._from.rpartition("@")[2]
        self._public_url = public_url.rstrip("/")

    def write(self, letter: Letter, seen: Sequence[Seen], *, now: datetime) -> bytes:
        """The whole message, named by the letter: a repeat has the same Message-ID."""
        return mime.plain(
            sender=mime.mailbox(_SENDER, self._from),
            recipient=mime.mailbox("", letter.address),
            subject=subject(seen),
            date=now,
            message_id=f"<notice.{letter.id}@{self._domain}>",
            text=body(seen, public_url=self._public_url),
        )


def subject(seen: Sequence[Seen]) -> str:
    """What it is about where it is one thing, else how much it is; nobody's name (R-D3)."""
    about = {wording.words(one.notice.kind).subject for one in seen}
    if len(about) == 1:
        return f"{_SENDER}: {about.pop()}"
    return f"{_SENDER}: {len(seen)} {_plural(len(seen), 'сообщение', 'сообщения', 'сообщений')} для вас"


def body(seen: Sequence[Seen], *, public_url: str) -> str:
    """A part for each kind, in the order of their first notices."""
    several = len({one.school for one in seen if one.school}) > 1
    parts: dict[wording.Words, list[str]] = {}
    for one in seen:
        said = wording.case(one)
        where = f" ({line(one.school)})" if several and one.school else ""
        parts.setdefault(wording.words(one.notice.kind), []).append(f"— {said}{where}")
    blocks = [
        "\n".join(
            (words.happened, *dict.fromkeys(cases), "", words.safe, f"{words.todo} {public_url}{words.page}")
        )
        for words, cases in parts.items()
    ]
    return "\n\n".join(("Здравствуйте!", *blocks, _END)) + "\n"


def _plural(number: int, one: str, few: str, many: str) -> str:
    if number % 10 == 1 and number % 100 != 11:
        return one
    return few if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14 else many
