"""The message that carries one-time links: a letter with one for each guardian, or an SMS with one."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from dispatcher.channels.email import envelope_address
from dispatcher.parent.links import LIVES, Link
from dispatcher.sending.phones import LONGEST_SMS
from dispatcher.texts import mime
from dispatcher.texts.clean import line
from dispatcher.texts.segments import segments

_SUBJECT = "Вход на страницу семьи"
_MINUTES = int(LIVES.total_seconds() // 60)


class LinkLetters:
    """`mail_from` as in the settings; `public_url` is where people find the installation."""

    def __init__(self, *, mail_from: str, public_url: str) -> None:
        self._from = envelope_address(mail_from.rpartition("<")[2].rstrip("> "))
        self._domain = self._from.rpartition("@")[2]
        self._way_in = f"{public_url.rstrip('/')}/dispatcher/me/in/"

    def mail(self, message: UUID, links: Sequence[Link], *, now: datetime) -> bytes:
        """The whole letter to an address that all of `links` have."""
        schools = list(dict.fromkeys(one.school_name for one in links))
        return mime.plain(
            sender=mime.mailbox(schools[0] if len(schools) == 1 else "Вестник", self._from),
            recipient=mime.mailbox("", links[0].address),
            subject=_SUBJECT,
            date=now,
            message_id=f"<family.{message}@{self._domain}>",
            text=self._text(links),
        )

    def _text(self, links: Sequence[Link]) -> str:
        ways = "\n\n".join(
            f"{line(one.school_name)}, {line(one.parent.name)}:\n{self._way_in}{one.token}" for one in links
        )
        several = len(links) > 1
        return (
            "Здравствуйте!\n\n"
            f"{'Ссылки' if several else 'Ссылка'} для входа на страницу семьи, где видно, что школа вам "
            "сообщала и почему, и где можно выбрать, как сообщать дальше:\n\n"
            f"{ways}\n\n"
            f"{'Каждая ссылка' if several else 'Ссылка'} действует {_MINUTES} минут и открывается один раз. "
            "Никому её не пересылайте.\n\n"
            "Вы ничего не запрашивали? Тогда просто удалите письмо: без ссылки на страницу не войти.\n"
        )

    def sms(self, link: Link) -> str:
        """At most two segments: in Russian where that fits."""
        address = f"{self._way_in}{link.token}"
        said = f"Вход на страницу семьи, {_MINUTES} минут: {address}"
        return said if segments(said) <= LONGEST_SMS else f"Vestnik: {address}"
