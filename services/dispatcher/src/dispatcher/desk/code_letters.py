"""A code's words, in the family's language: what it is, where to say or type it, how long it lives (R-C6,
R-D3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from dispatcher.channels.email import envelope_address
from dispatcher.desk.contacts import Code
from dispatcher.texts import mime
from dispatcher.texts.clean import line
from shared.categories import Channel


class _Words(NamedTuple):
    subject: str
    letter: str
    sms: str


_RUSSIAN = _Words(
    "Код для секретаря школы",
    "Здравствуйте!\n\nКод подтверждения: {digits}\n\nНазовите его секретарю: так школа убедится, что этот "
    "адрес ваш. Код действует 10 минут.\n\nЕсли вы ничего в школе не просили, просто не отвечайте: без "
    "кода писать сюда не начнут.\n\n{school}\n",
    "Код {digits}: назовите его секретарю школы, действует 10 минут",
)
_ENGLISH = _Words(
    "A code for the school's secretary",
    "Hello!\n\nYour confirmation code: {digits}\n\nPlease tell it to the secretary, so that the school knows "
    "this address is yours. It lives 10 minutes.\n\nIf you asked the school for nothing, do not answer: "
    "without the code nobody will begin to write here.\n\n{school}\n",
    "Code {digits}: tell it to the school's secretary within 10 minutes",
)
AT_DESK: Mapping[str, _Words] = {"ru": _RUSSIAN, "en": _ENGLISH}
AT_PAGE: Mapping[str, _Words] = {
    "ru": _Words(
        "Код для страницы семьи",
        "Здравствуйте!\n\nКод подтверждения: {digits}\n\nВведите его на странице семьи: так школа убедится, "
        "что этот адрес ваш. Код действует 10 минут. Никому его не называйте.\n\nЕсли вы не указывали этот "
        "адрес, ничего не делайте: без кода писать сюда не начнут.\n\n{school}\n",
        "Код {digits}: введите его на странице семьи, действует 10 минут",
    ),
    "en": _Words(
        "A code for your family's page",
        "Hello!\n\nYour confirmation code: {digits}\n\nPlease type it on your family's page, so that the "
        "school knows this address is yours. It lives 10 minutes. Tell it to nobody.\n\nIf you did not give "
        "this address, do nothing: without the code nobody will begin to write here.\n\n{school}\n",
        "Code {digits}: type it on your family's page within 10 minutes",
    ),
}


class CodeLetters:
    """`mail_from` as in the settings; `words` by language: whether the code is said at the desk or typed."""

    def __init__(self, mail_from: str, words: Mapping[str, _Words] = AT_DESK) -> None:
        self._words = words
        self._from = envelope_address(mail_from.rpartition("<")[2].rstrip("> "))

    def write(self, code: Code, *, school: str, language: str, now: datetime) -> bytes:
        """What the port of the code's channel takes. `school` is its name."""
        language = language if language in self._words else "ru"
        words = self._words[language]
        if code.channel is Channel.SMS:
            return words.sms.format(digits=code.digits).encode()
        return mime.plain(
            sender=mime.mailbox(line(school), self._from),
            recipient=mime.mailbox("", code.address),
            subject=words.subject,
            date=now,
            message_id=f"<code.{code.id}@{self._from.rpartition('@')[2]}>",
            text=words.letter.format(digits=code.digits, school=line(school)),
            language=language,
        )
