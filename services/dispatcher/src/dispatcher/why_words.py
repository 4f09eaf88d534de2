"""An explanation in sentences: pure. Each is a Russian text with its values, so that a page may say it
in the reader's language (`shared.web.language`)."""

from collections.abc import Mapping
from typing import Any

from dispatcher.messages import Status
from dispatcher.why import Explained
from shared.categories import Channel, Mode
from shared.consent_items import Titled
from shared.routing import Verdict
from shared.web.language import mark

Sentence = tuple[str, Mapping[str, Any]]

BY = {
    Channel.EMAIL: mark("Решено сообщить по почте."),
    Channel.SMS: mark("Решено сообщить в СМС."),
    Channel.PUSH: mark("Решено сообщить уведомлением на телефон."),
    Channel.PAPER: mark("Решено сообщить на бумаге."),
}
MODES = {
    Mode.IMMEDIATE: mark("Сразу."),
    Mode.DAILY: mark("В составе ежедневной сводки."),
    Mode.WEEKLY: mark("В составе еженедельной сводки."),
}
PAPER = {
    "application": mark("На бумаге: так семья просит в заявлении."),
    "preference": mark("На бумаге: так семья выбрала."),
    "unreachable": mark(
        "На бумаге: рабочих электронных адресов не осталось, а лист согласия бумагу допускает."
    ),
}
SILENT = {
    "rights": mark(
        "Не сообщалось: на этот день у представителя не было права получать сведения об ученике "
        "(ограничение прав, выбытие ученика или его совершеннолетие)."
    ),
    "unmarked_class": mark("Не сообщалось: в этом классе не ставят отметок и не задают уроков на дом."),
    "out_of_scope": mark("Не сообщалось: в заявлении семьи таких сведений не просили."),
    "unwanted": mark("Не сообщалось: семья отказалась от таких сообщений."),
    "unreachable": mark(
        "Не сообщалось: рабочего электронного адреса нет, а бумагу лист согласия не допускает."
    ),
    "stale": mark("Не сообщалось: к этому времени уже была более новая запись."),
    "nothing_told": mark("Не сообщалось: исправлять нечего, о прежней записи семье не говорили."),
    "nothing_to_tell": mark("Не сообщалось: запись не говорит семье ничего нового."),
    "expired": mark("Не сообщалось: стало поздно, сообщение потеряло смысл."),
}
NO_CONSENT = {
    "withdrawn": mark("Не сообщалось: согласие отозвано."),
    "expired": mark("Не сообщалось: срок согласия истёк."),
}
BECAME = {
    Status.COMPOSED: mark("Сообщение составлено и ждёт отправки."),
    Status.SENDING: mark("Сообщение отправляется."),
    Status.UNKNOWN: mark("Сообщение отправлено, ответа шлюза нет: исход выясняется."),
    Status.ACCEPTED: mark("Шлюз принял сообщение."),
    Status.DELIVERED: mark("Сообщение доставлено."),
    Status.FAILED: mark("Сообщение не дошло."),
    Status.CANCELLED: mark("Сообщение отменено: говорить стало нечего."),
    Status.EXPIRED: mark("Сообщение не успело уйти, пока в нём был смысл."),
}


def sentences(one: Explained) -> list[Sentence]:
    """What was decided, why, on which papers, and what became of it."""
    told = _decided(one)
    for paper in one.papers:
        values = {"number": paper.number, "signed": f"{paper.signed_on:%d.%m.%Y}"}
        if paper.refused:
            told.append((mark("Основание: отказ от согласия № %(number)s от %(signed)s."), values))
        else:
            told.append((mark("Основание: лист согласия № %(number)s от %(signed)s."), values))
        if paper.withdrawn_on is not None:
            told.append((mark("Этот лист отозван с %(day)s."), {"day": f"{paper.withdrawn_on:%d.%m.%Y}"}))
    if not one.papers:
        told.append((mark("Листа согласия, на который можно было бы опереться, не было."), {}))
    if one.replaced_by is not None:
        told.append((mark("Отправлять не стали: в журнале появилась более новая запись."), {}))
    elif one.verdict is Verdict.TELL:
        told.append((BECAME[one.status], {}) if one.status else (mark("Сообщение ещё не составлено."), {}))
    return told


def _decided(one: Explained) -> list[Sentence]:
    reason = one.reason or ""
    match one.verdict:
        case Verdict.TELL:
            assert one.channel is not None
            said: list[Sentence] = [(BY[one.channel], {})]
            if one.chosen:
                said.append((mark("Этот способ семья выбрала сама."), {}))
            if one.mode in MODES:
                said.append((MODES[one.mode], {}))
            return said
        case Verdict.PAPER:
            return [(PAPER.get(reason, mark("На бумаге.")), {})]
        case Verdict.SUPPRESS if reason == "no_consent":
            for word, text in NO_CONSENT.items():
                if word in one.missing:
                    return [(text, {})]
            values = {"missing": Titled(tuple(one.missing))}
            return [(mark("Не сообщалось: в листе согласия не отмечено %(missing)s."), values)]
        case _:
            return [(SILENT.get(reason, mark("Не сообщалось.")), {})]
