"""Any message as its reader gets it, from sample data: for the `preview` command and for golden files."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as email_policy

import orjson

from dispatcher.texts import samples
from dispatcher.texts.renderer import Renderer
from dispatcher.texts.segments import segments
from dispatcher.view import Item, Kind, MessageView
from shared.categories import Category, Channel

ADDRESS = "mama@example.org"


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail taken apart: header lines, plain text, page."""

    headers: str
    text: str
    page: str


class Preview:
    """The renderer of a school that does not exist."""

    def __init__(self) -> None:
        self._renderer = Renderer(
            mail_from="vestnik@ilinskaya.example",
            public_url="https://vestnik.ilinskaya.example",
            signing_key=lambda: b"preview",
        )

    def letter(self, view: MessageView) -> Letter:
        made = _parsed(self._renderer.render(view, Channel.EMAIL, address=ADDRESS))
        return Letter(_headers(made), _body(made, "plain"), _body(made, "html"))

    def sms(self, view: MessageView) -> str:
        """The text and what it costs."""
        text = self._renderer.render(view, Channel.SMS, address=ADDRESS).decode()
        return f"{text}\n({parts(segments(text))})\n"

    def push(self, view: MessageView) -> str:
        said = orjson.loads(self._renderer.render(view, Channel.PUSH, address=ADDRESS))
        return orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() + "\n"

    def text(self, view: MessageView, channel: Channel) -> str:
        """What the channel carries, for a terminal."""
        match channel:
            case Channel.EMAIL:
                return readable(self._renderer.render(view, Channel.EMAIL, address=ADDRESS))
            case Channel.SMS:
                return self.sms(view)
            case Channel.PUSH:
                return self.push(view)
            case Channel.PAPER:
                raise ValueError("paper is the print queue's")


def message(items: Iterable[Item], *, kind: Kind = Kind.IMMEDIATE, language: str = "ru") -> MessageView:
    return spoken(samples.view(items, kind=kind), language)


def spoken(view: MessageView, language: str) -> MessageView:
    """The view for a guardian of this language."""
    return replace(view, guardian=replace(view.guardian, language=language))


def sample(category: Category, *, correction: bool, removed: bool) -> Item | None:
    """None for a removal of what is never removed. As a guardian sees it who chose the channel."""
    if removed:
        return samples.removal(category, chosen=True) if category in samples.REMOVABLE else None
    return samples.correction(category, chosen=True) if correction else samples.news(category, chosen=True)


def parts(count: int) -> str:
    """«1 часть», «2 части»."""
    return f"{count} {'часть' if count == 1 else 'части'}"


def readable(raw: bytes) -> str:
    """Headers and plain text of an e-mail."""
    made = _parsed(raw)
    return f"{_headers(made)}\n{_body(made, 'plain').rstrip()}\n"


def _parsed(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=email_policy)


def _headers(letter: EmailMessage) -> str:
    return "".join(f"{name}: {value}\n" for name, value in letter.items())


def _body(letter: EmailMessage, kind: str) -> str:
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")
