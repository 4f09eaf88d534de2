"""A message's view as the JSON that our service worker shows: `{title, body, url, tag}`.

As an SMS in full words; details are behind the link (DESIGN §6).
"""

import orjson

from dispatcher.channels.base import topic
from dispatcher.channels.push import PAYLOAD_MAX
from dispatcher.texts import words as languages
from dispatcher.texts.clean import line
from dispatcher.texts.links import Links
from dispatcher.texts.phrases import Said, cut, said
from dispatcher.texts.russian import capitalised
from dispatcher.texts.words import Words
from dispatcher.view import MessageView
from shared.categories import Channel

TITLE_MAX = 80
BODY_MAX = 400
"""Characters; phones show some two hundred."""


def write(view: MessageView, *, links: Links) -> bytes:
    words = languages.of(view.guardian.language)
    parts = said(view, Channel.PUSH, words)
    alone = parts[0].who if len(parts) == 1 else ""
    payload = {
        "title": cut(alone or line(view.school.name), TITLE_MAX, "…"),
        "body": _body(parts, words, named=not alone),
        "url": links.own_page,
        "tag": topic(view.message),
    }
    made = orjson.dumps(payload)
    assert len(made) <= PAYLOAD_MAX
    return made


def _body(parts: tuple[Said, ...], words: Words, *, named: bool) -> str:
    lines = [
        f"{part.who}: {phrase}" if named and part.who else capitalised(phrase)
        for part in parts
        for phrase in part.phrases
    ]
    if not lines:
        return words.nothing_new
    for kept in range(len(lines), 0, -1):
        left_out = len(lines) - kept
        body = "\n".join([*lines[:kept], *([words.and_more(left_out)] if left_out else [])])
        if len(body) <= BODY_MAX:
            return body
    more = f"\n{words.and_more(len(lines) - 1)}" if len(lines) > 1 else ""
    return cut(lines[0], BODY_MAX - len(more), "…") + more
