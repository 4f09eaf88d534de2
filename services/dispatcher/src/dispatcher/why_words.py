"""An explanation in sentences: pure. Each is a Russian text with its values, so that a page may say it
in the reader's language (`shared.web.language`)."""

from collections.abc import Mapping
from typing import Any

from dispatcher.messages import Status
from dispatcher.why import Explained
from shared.categories import Channel, Mode
from shared.consent_items import titled
from shared.routing import Verdict

Sentence = tuple[str, Mapping[str, Any]]

BY = {
    Channel.EMAIL: "Решено сообщить по почте.",
    Channel.SMS: "Решено сообщить в СМС.",
    Channel.PUSH: "Решено сообщить уведомлением на телефон.",
    Channel.PAPER: "Решено сообщить на бумаге.",
}
MODES = {
    Mode.IMMEDIATE: "Сразу.",
    Mode.DAILY: "В составе ежедневной сводки.",
    Mode.WEEKLY: "В составе еженедельной сводки.",
}
PAPER = {
    "application": "На бумаге: так семья просит в заявлении.",
    "preference": "На бумаге: так семья выбрала.",
    "unreachable": "На бумаге: рабочих электронных адресов не осталось, а лист согласия бумагу допускает.",
}
SILENT = {
    "rights": "Не сообщалось: на этот день у представителя не было права получать сведения об ученике "
    "(ограничение прав, выбытие ученика или его совершеннолетие).",
    "unmarked_class": "Не сообщалось: в этом классе не ставят отметок и не задают уроков на дом.",
    "out_of_scope": "Не сообщалось: в заявлении семьи таких сведений не просили.",
    "unwanted": "Не сообщалось: семья отказалась от таких сообщений.",
    "unreachable": "Не сообщалось: рабочего электронного адреса нет, а бумагу лист согласия не допускает.",
    "stale": "Не сообщалось: к этому времени уже была более новая запись.",
    "nothing_told": "Не сообщалось: исправлять нечего, о прежней записи семье не говорили.",
    "nothing_to_tell": "Не сообщалось: запись не говорит семье ничего нового.",
    "expired": "Не сообщалось: стало поздно, сообщение потеряло смысл.",
}
NO_CONSENT = {
    "withdrawn": "Не сообщалось: согласие отозвано.",
    "expired": "Не сообщалось: срок согласия истёк.",
}
BECAME = {
    Status.COMPOSED: "Сообщение составлено и ждёт отправки.",
    Status.SENDING: "Сообщение отправляется.",
    Status.UNKNOWN: "Сообщение отправлено, ответа шлюза нет: исход выясняется.",
    Status.ACCEPTED: "Шлюз принял сообщение.",
    Status.DELIVERED: "Сообщение доставлено.",
    Status.FAILED: "Сообщение не дошло.",
    Status.CANCELLED: "Сообщение отменено: говорить стало нечего.",
    Status.EXPIRED: "Сообщение не успело уйти, пока в нём был смысл.",
}


def sentences(one: Explained) -> list[Sentence]:
    """What was decided, why, on which papers, and what became of it."""
    told = _decided(one)
    for paper in one.papers:
        values = {"number": paper.number, "signed": f"{paper.signed_on:%d.%m.%Y}"}
        if paper.refused:
            told.append(("Основание: отказ от согласия № %(number)s от %(signed)s.", values))
        else:
            told.append(("Основание: лист согласия № %(number)s от %(signed)s.", values))
        if paper.withdrawn_on is not None:
            told.append(("Этот лист отозван с %(day)s.", {"day": f"{paper.withdrawn_on:%d.%m.%Y}"}))
    if not one.papers:
        told.append(("Листа согласия, на который можно было бы опереться, не было.", {}))
    if one.replaced_by is not None:
        told.append(("Отправлять не стали: в журнале появилась более новая запись.", {}))
    elif one.verdict is Verdict.TELL:
        told.append((BECAME[one.status], {}) if one.status else ("Сообщение ещё не составлено.", {}))
    return told


def _decided(one: Explained) -> list[Sentence]:
    reason = one.reason or ""
    match one.verdict:
        case Verdict.TELL:
            assert one.channel is not None
            said: list[Sentence] = [(BY[one.channel], {})]
            if one.chosen:
                said.append(("Этот способ семья выбрала сама.", {}))
            if one.mode in MODES:
                said.append((MODES[one.mode], {}))
            return said
        case Verdict.PAPER:
            return [(PAPER.get(reason, "На бумаге."), {})]
        case Verdict.SUPPRESS if reason == "no_consent":
            for word, text in NO_CONSENT.items():
                if word in one.missing:
                    return [(text, {})]
            missing = ", ".join(map(titled, one.missing))
            return [("Не сообщалось: в листе согласия не отмечено %(missing)s.", {"missing": missing})]
        case _:
            return [(SILENT.get(reason, "Не сообщалось."), {})]
