"""Every message as its reader gets it, kept in `golden/`. After a change: UPDATE_GOLDEN=1, then read them."""

import os
from email import message_from_bytes
from email.policy import default as email_policy
from pathlib import Path

import pytest

from dispatcher.texts import samples
from dispatcher.texts.renderer import Renderer
from dispatcher.texts.segments import segments
from dispatcher.view import Item, Kind, MessageView
from shared.categories import ELECTRONIC, Category, Channel
from shared.changes import TYPES

GOLDEN = Path(__file__).parent / "golden"
REMOVABLE = sorted({category for category, removed in TYPES.values() if removed})


def views() -> dict[str, MessageView]:
    made: dict[str, tuple[Item, ...]] = {}
    for category in Category:
        made[f"{category}-news"] = (samples.news(category, chosen=True),)
        made[f"{category}-correction"] = (samples.correction(category, chosen=True),)
        if category in REMOVABLE:
            made[f"{category}-removal"] = (samples.removal(category, chosen=True),)
    made["mark-not_chosen"] = (samples.news(Category.MARK), samples.correction(Category.MARK))
    made["final_mark-postponed"] = (samples.news(Category.FINAL_MARK, mark={}, postponed=True),)
    return {name: samples.view(items) for name, items in made.items()} | {
        "digest": samples.digest(),
        "first": samples.view([samples.news(Category.ATTENDANCE)], first=True),
        "weekly": samples.digest(kind=Kind.WEEKLY),
        "weekly-empty": samples.empty_week(),
    }


VIEWS = views()


def readable(channel: Channel, content: bytes) -> str:
    if channel is Channel.SMS:
        return f"{content.decode()}\n\n({segments(content.decode())})\n"
    if channel is Channel.PUSH:
        return content.decode() + "\n"
    letter = message_from_bytes(content, policy=email_policy)
    headers = "".join(f"{name}: {value}\n" for name, value in letter.items())
    bodies = [letter.get_body((kind,)) for kind in ("plain", "html")]
    return headers + "".join(
        f"\n--- {body.get_content_type()}\n{body.get_content()}" for body in bodies if body
    ).replace("\r\n", "\n")


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(
        mail_from="vestnik@ilinskaya.example",
        public_url="https://vestnik.ilinskaya.example",
        signing_key=lambda: b"golden",
    )


@pytest.mark.parametrize("channel", ELECTRONIC)
@pytest.mark.parametrize("name", VIEWS)
def test_it_reads_as_it_was_read_by_a_person(renderer: Renderer, name: str, channel: Channel) -> None:
    """R-A1, R-A2, R-A3, R-A11, R-A12, R-B6 word by word."""
    said = readable(channel, renderer.render(VIEWS[name], channel, address="mama@example.org"))
    file = GOLDEN / f"{name}.{channel}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(said, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == said


def test_no_golden_file_is_left_over() -> None:
    assert {file.name for file in GOLDEN.iterdir()} == {
        f"{name}.{channel}.txt" for name in VIEWS for channel in ELECTRONIC
    }
