"""One renderer a channel, chosen by a table."""

from collections.abc import Callable

from dispatcher.texts import push, sms
from dispatcher.texts.letter import LetterWriter
from dispatcher.texts.links import Links
from dispatcher.view import MessageView
from shared.categories import Channel


class Renderer:
    """Renders what a `Parcel` carries. `signing_key` gives the secret that links are signed with;
    `bounces_to`: where one may also unsubscribe by mail."""

    def __init__(
        self,
        *,
        mail_from: str,
        public_url: str,
        signing_key: Callable[[], bytes],
        bounces_to: str | None = None,
    ) -> None:
        self.links = Links(public_url=public_url, key=signing_key)
        self._letters = LetterWriter(mail_from=mail_from, links=self.links, bounces_to=bounces_to)

    def render(self, view: MessageView, channel: Channel, *, address: str) -> bytes:
        """The content for this channel. Pure: the same view gives the same bytes.

        `address` is the one it will go to; paper is not ours and raises ValueError.
        """
        match channel:
            case Channel.EMAIL:
                return self._letters.write(view, address=address)
            case Channel.SMS:
                return sms.write(view)
            case Channel.PUSH:
                return push.write(view, links=self.links)
            case Channel.PAPER:
                raise ValueError("paper is the print queue's")
