"""Why a message came, or did not, told to the family itself: pure. Each is a Russian text and its values."""

from collections.abc import Mapping
from typing import Any

from dispatcher.messages import Status
from dispatcher.parent.choices import Bar, Closed
from dispatcher.why import Explained
from shared.categories import Category, Channel, Mode
from shared.consent_items import Titled
from shared.routing import Verdict
from shared.web.language import mark

Sentence = tuple[str, Mapping[str, Any]]

CATEGORIES = {
    Category.MARK: mark("Отметки"),
    Category.FINAL_MARK: mark("Итоговые отметки"),
    Category.FORECAST: mark("Прогноз отметки"),
    Category.ATTENDANCE: mark("Посещаемость"),
    Category.HOMEWORK: mark("Домашние задания"),
    Category.LESSON: mark("Изменения в расписании"),
    Category.ASSESSMENT: mark("Контрольные работы"),
    Category.REMARK: mark("Замечания и похвалы"),
    Category.ANNOUNCEMENT: mark("Объявления"),
}
CHANNELS = {
    Channel.EMAIL: mark("Письмо"),
    Channel.PUSH: mark("Уведомление"),
    Channel.SMS: mark("СМС"),
    Channel.PAPER: mark("На бумаге"),
}
MODES = {
    Mode.IMMEDIATE: mark("сразу"),
    Mode.DAILY: mark("раз в день"),
    Mode.WEEKLY: mark("раз в неделю"),
}
BECAME = {
    Status.COMPOSED: (mark("ждёт отправки"), ""),
    Status.SENDING: (mark("отправляется"), ""),
    Status.UNKNOWN: (mark("отправляется"), ""),
    Status.ACCEPTED: (mark("отправлено"), "good"),
    Status.DELIVERED: (mark("доставлено"), "good"),
    Status.FAILED: (mark("не дошло"), "bad"),
    Status.CANCELLED: (mark("не понадобилось"), ""),
    Status.EXPIRED: (mark("не успело уйти"), "warn"),
}
_CHOSEN = {
    Channel.EMAIL: mark("Вы сами выбрали для этого письма."),
    Channel.PUSH: mark("Вы сами выбрали для этого уведомления."),
    Channel.SMS: mark("Вы сами выбрали для этого СМС."),
    Channel.PAPER: mark("Вы сами выбрали для этого бумагу."),
}
_USUAL = {
    Channel.EMAIL: mark("Письмом: так сообщают, если не выбрать другого способа."),
    Channel.PUSH: mark("Уведомлением: письма вам сейчас не дойдут или не разрешены листом согласия."),
    Channel.SMS: mark("По СМС: письма и уведомления вам сейчас не дойдут или не разрешены листом согласия."),
}
_WHEN = {
    Mode.IMMEDIATE: mark("О таком сообщают сразу."),
    Mode.DAILY: mark("Такое собирают в одну сводку за день."),
    Mode.WEEKLY: mark("Такое собирают в одну сводку за неделю."),
}
_PAPER = {
    "application": mark("На бумаге: так вы просили в заявлении."),
    "preference": mark("На бумаге: так вы выбрали сами."),
    "unreachable": mark("На бумаге: рабочего адреса для писем, уведомлений или СМС не осталось."),
}
_SILENT = {
    "out_of_scope": mark("Не сообщалось: в вашем заявлении таких сведений не просили."),
    "unwanted": mark("Не сообщалось: вы выбрали о таком не сообщать."),
    "unreachable": mark("Не сообщалось: рабочего адреса нет, а бумагу ваш лист согласия не допускает."),
}
_ENDED = {
    "withdrawn": mark("Не сообщалось: согласие отозвано."),
    "expired": mark("Не сообщалось: срок согласия истёк."),
}
_NO_CONSENT = mark("Не сообщалось: в вашем листе согласия не отмечено %(missing)s.")
_BASIS = mark("Основание: ваш лист согласия № %(number)s от %(signed)s.")
_HIDDEN = mark("Содержание на странице не показано: в вашем листе согласия не отмечено %(missing)s.")
_HIDDEN_ENDED = {
    "withdrawn": mark("Содержание на странице не показано: согласие отозвано."),
    "expired": mark("Содержание на странице не показано: срок согласия истёк."),
}
_CLOSED = {
    Bar.UNMARKED_CLASS: mark("в этом классе не ставят отметок и не задают на дом"),
    Bar.ENDED: mark("согласие отозвано или кончилось"),
    Bar.OUT_OF_SCOPE: mark("в вашем заявлении таких сведений не просили"),
    Bar.ON_PAPER: mark("в вашем заявлении вы просили о бумаге"),
    Bar.OFF: mark("школа не включила этот способ"),
}
_NO_ADDRESS = {
    Channel.EMAIL: mark("нет подтверждённого адреса почты"),
    Channel.PUSH: mark("уведомления не включены ни на одном устройстве"),
    Channel.SMS: mark("нет подтверждённого номера"),
}
_NOT_TICKED = mark("в листе согласия не отмечено %(missing)s")


def because(one: Explained) -> list[Sentence]:
    """Why so, and on which paper."""
    told: list[Sentence] = []
    match one.verdict:
        case Verdict.TELL:
            assert one.channel is not None
            told.append(((_CHOSEN if one.chosen else _USUAL)[one.channel], {}))
            if one.mode in _WHEN:
                told.append((_WHEN[one.mode], {}))
        case Verdict.PAPER:
            told.append((_PAPER.get(one.reason or "", mark("На бумаге.")), {}))
        case Verdict.SUPPRESS:
            told.append(_silent(one))
    told += [
        (_BASIS, {"number": paper.number, "signed": f"{paper.signed_on:%d.%m.%Y}"})
        for paper in one.papers
        if not paper.refused
    ]
    return told


def _silent(one: Explained) -> Sentence:
    if one.reason != "no_consent":
        return _SILENT[one.reason or ""], {}
    return _without(one.missing, _ENDED, _NO_CONSENT)


def hidden(missing: tuple[str, ...]) -> Sentence:
    """Why the page does not say what the message said."""
    return _without(missing, _HIDDEN_ENDED, _HIDDEN)


def closed(channel: Channel, why: Closed) -> Sentence:
    """Why a way to be told cannot be chosen: the end of a sentence."""
    if why.bar is Bar.NO_CONSENT:
        return _NOT_TICKED, {"missing": Titled(why.missing)}
    if why.bar is Bar.NO_ADDRESS:
        return _NO_ADDRESS[channel], {}
    return _CLOSED[why.bar], {}


def _without(missing: tuple[str, ...], ended: Mapping[str, str], otherwise: str) -> Sentence:
    for word, text in ended.items():
        if word in missing:
            return text, {}
    return otherwise, {"missing": Titled(missing)}
