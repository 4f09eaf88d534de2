"""What a letter to a member of staff says: a table of kinds, readable by a head teacher."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from dispatcher.notices.notice import Kind, instant
from dispatcher.notices.view import Seen
from dispatcher.texts.clean import line
from dispatcher.texts.russian import day, quoted_class

_LONGEST = 400
_WEEK = re.compile(r"(\d{4})-W(\d\d)")


@dataclass(frozen=True, slots=True)
class Words:
    """`happened` leads to a list of cases; `page` is a path below the public address."""

    subject: str
    happened: str
    safe: str
    todo: str
    page: str


WORDS: dict[Kind, Words] = {
    Kind.CHANNEL_PAUSED: Words(
        "отправка остановлена",
        "Вестник остановил отправку, потому что сервер не принимает наши настройки:",
        "Ничего не потеряно: сообщения ждут своей очереди, остальные каналы работают.",
        "Исправьте в настройках вход, ключ или имя отправителя, убедитесь командой vestnik check, "
        "что сервер отвечает, и возобновите отправку:",
        "/dispatcher/",
    ),
    Kind.SMS_LIST_UNREACHABLE: Words(
        "неизвестно, ушли ли SMS",
        "Шлюз SMS не ответил, приняты ли наши сообщения, и его список сейчас недоступен:",
        "Такие SMS не отправляются повторно, пока это не выяснится; Вестник продолжает спрашивать. "
        "Остальные сообщения уходят как обычно.",
        "Если через час ничего не изменится, проверьте доступ к шлюзу и состояние договора. Очереди видны "
        "здесь:",
        "/dispatcher/",
    ),
    Kind.MAIL_REFUSED: Words(
        "почтовые серверы отвергают наши письма",
        "Почтовый сервер получателя принял наше письмо, а потом отказался от него, и дело не в адресе семьи:",
        "Ничего не потеряно: то, что было в письме, семья получит другим способом. Адреса семей остались "
        "в списках.",
        "Проверьте записи SPF, DKIM и DMARC домена и не попал ли сервер в чёрные списки; что делать, сказано "
        "в руководстве docs/guides/mail.md. Состояние отправки:",
        "/dispatcher/",
    ),
    Kind.NOT_MY_CHILD: Words(
        "письмо пришло не тому человеку",
        "Получатель письма ответил «это не мой ребёнок»:",
        "На этот адрес писем больше не будет. Если у семьи есть другой подтверждённый адрес или заявление "
        "о бумажных листах, она узнает всё оттуда.",
        "Сверьте адрес с заявлением семьи и исправьте его:",
        "/dispatcher/desk/",
    ),
    Kind.PAPER_NOT_HANDED_OUT: Words(
        "бумажные листы не выданы",
        "Срок прошёл, а выдача бумажных листов не отмечена:",
        "Листы сохранены и не изменятся, их можно напечатать в любое время.",
        "Раздайте листы и отметьте выдачу. Если они уже розданы, достаточно отметки:",
        "/print/",
    ),
    Kind.MOVED_TO_PAPER: Words(
        "семья переведена на бумагу",
        "Сообщения не доходят ни по одному электронному адресу, поэтому на этой неделе на бумагу переведены "
        "семьи учеников:",
        "Ничего не потеряно: всё, что не дошло, войдёт в бумажный лист.",
        "Передайте лист семье вместе с остальными и напомните ей обновить адрес в канцелярии школы. "
        "Листы класса:",
        "/print/",
    ),
    Kind.SMS_LIST_LIES: Words(
        "шлюз не показывает принятые SMS",
        "Шлюз SMS не ответил, приняты ли наши сообщения, а в его списке нет и того, что он точно принял:",
        "Такие SMS не отправляются повторно: семья могла бы получить их дважды. Вестник продолжает "
        "спрашивать. Остальные сообщения уходят как обычно.",
        "Если через час ничего не изменится, обратитесь в поддержку шлюза. Очереди видны здесь:",
        "/dispatcher/",
    ),
    Kind.FAMILY_UNREACHABLE: Words(
        "до семьи не доходят сообщения",
        "Семья согласилась получать сообщения, но ни одного действующего адреса у неё не осталось:",
        "Ничего не потеряно: записи хранятся, а разрешённое на бумаге войдёт в недельный лист.",
        "Попросите семью обновить адрес в канцелярии школы. Листы класса:",
        "/print/",
    ),
    Kind.DEADLINE_LATE: Words(
        "семьям сообщают с опозданием",
        "Срок прошёл, а часть сообщений ещё не ушла:",
        "Ничего не потеряно: пока сообщение имеет смысл, Вестник продолжает попытки.",
        "Посмотрите, чего ждут эти сообщения: причина указана у каждого. Чаще всего остановлен канал "
        "или не отвечает сервер:",
        "/dispatcher/",
    ),
    Kind.LEDGER_DISAGREES: Words(
        "книга учёта не сходится",
        "Проверка нашла строки, которые расходятся с остальными записями: возможно, кто-то из семей не "
        "получит того, что ему полагается:",
        "Отправка продолжается, записи журнала сохранены, и разобрать их можно снова.",
        "Посмотрите на странице, каких изменений и сообщений это касается, и передайте их номера тем, кто "
        "обслуживает Вестник:",
        "/dispatcher/check",
    ),
    Kind.PROVIDER_AWAY: Words(
        "сервер не отвечает",
        "Вестник уже несколько минут не может передать сообщения, потому что сервер не отвечает:",
        "Ничего не потеряно: сообщения ждут, а срочные и те, чей срок близок, уходят другим каналом, если "
        "семья это разрешила. Вестник сам пробует снова и продолжит, как только сервер ответит.",
        "Если так продлится, проверьте связь командой vestnik check и спросите тех, кто держит этот сервер:",
        "/dispatcher/",
    ),
    Kind.SMS_BUDGET_LOW: Words(
        "SMS этого месяца на исходе",
        "Израсходовано больше четырёх пятых того, что школа отвела на SMS в этом месяце:",
        "Пока всё уходит как обычно.",
        "Если до конца месяца не хватит, увеличьте предел в настройке sms_segments_per_month; иначе семьям, "
        "выбравшим SMS, сообщения пойдут другим разрешённым каналом или на бумаге. Расход виден здесь:",
        "/dispatcher/",
    ),
    Kind.SMS_BUDGET_SPENT: Words(
        "SMS этого месяца израсходованы",
        "Школа израсходовала всё, что отвела на SMS в этом месяце:",
        "Ничего не потеряно: сообщения идут другим каналом, который семья разрешила, или на бумаге. "
        "С первого числа SMS возобновятся сами.",
        "Если SMS нужны раньше, увеличьте предел в настройке sms_segments_per_month. Расход виден здесь:",
        "/dispatcher/",
    ),
    Kind.PUPIL_TURNS_18: Words(
        "ученику скоро исполнится 18 лет",
        "С дня, когда ученику исполнится 18 лет, решает он сам, и родителям Вестник больше ничего "
        "не сообщает:",
        "До этого дня всё идёт как обычно, ничего не меняется и не теряется.",
        "Предложите ученику подать собственное заявление и подписать лист согласия: тогда сведения будет "
        "получать он сам. Кому скоро исполнится 18 лет:",
        "/dispatcher/desk/adults",
    ),
    Kind.LISTS_NOT_ROLLED_OVER: Words(
        "новые списки классов не готовы",
        "Списки школы на новый учебный год загружены не полностью:",
        "Прежние списки в силе, ничего не потеряно. Но сообщения о классе могут прийти не тем семьям, а "
        "листы лечь не в ту пачку.",
        "Загрузите новые списки классов и учеников. Чего не хватает, по классам:",
        "/dispatcher/desk/rollover",
    ),
    Kind.ERASURE_OVERDUE: Words(
        "данные не уничтожены в срок",
        "Законный срок прошёл, а данные людей, отозвавших согласие или выбывших, ещё не уничтожены:",
        "Сообщения этим людям не отправляются: обработка остановлена сразу.",
        "Обычно мешает остановленная служба; когда она заработает, Вестник закончит сам. Сделать это сейчас: "
        "vestnik erase (руководство docs/guides/personal-data.md). Состояние:",
        "/dispatcher/",
    ),
    Kind.ERASURE_BRAKED: Words(
        "массовое выбытие ждёт подтверждения",
        "По спискам выбыло больше половины учеников школы. Это похоже на ошибку в списке, поэтому Вестник "
        "не стал уничтожать их данные сам:",
        "Ничего не уничтожено. Сообщения о выбывших не отправляются.",
        "Если это ошибка, загрузите исправленный список. Если это выпуск, подтвердите уничтожение сегодня: "
        "закон отводит три дня. Команда vestnik erase (руководство docs/guides/personal-data.md). Состояние:",
        "/dispatcher/",
    ),
}
UNKNOWN = Words(
    "сообщение службы",
    "Одна из служб просит вас сообщить то, для чего у этой версии Вестника ещё нет слов:",
    "Записано как есть, ничего не потеряно.",
    "Если не ясно, что делать, передайте это письмо тем, кто обслуживает Вестник. Состояние системы:",
    "/dispatcher/",
)
CHANNELS = {"email": "почта", "sms": "SMS", "push": "push"}
INSTEAD = {
    "paper": "пока получает бумажный лист",
    "nothing": "бумажный лист не разрешён, сообщить нечем",
}
STATES = {
    "frozen": "файл ещё не готов",
    "typeset": "файл готов, но ещё не забран",
    "collected": "файл забран, печать не отмечена",
    "printed": "напечатаны, выдача не отмечена",
}


def words(kind: str) -> Words:
    return WORDS[Kind(kind)] if kind in WORDS else UNKNOWN


def case(seen: Seen) -> str:
    """One line about one notice."""
    kind = seen.notice.kind
    said = _CASES[Kind(kind)](seen) if kind in _CASES else _as_it_is(seen)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


def _paused(seen: Seen) -> str:
    facts = seen.notice.details
    channel = CHANNELS.get(facts["channel"], line(facts["channel"]))
    return f"{channel}, {_moment(seen.at)}. Ответ сервера: {line(facts['reason'])}"


def _away(seen: Seen) -> str:
    facts = seen.notice.details
    channel = CHANNELS.get(facts["channel"], line(facts["channel"]))
    return f"{channel}, {_moment(seen.at)}. Последняя попытка: {line(facts['reason'])}"


def _budget(seen: Seen) -> str:
    facts = seen.notice.details
    return (
        f"{_moment(seen.at)}, израсходовано частей SMS: {line(facts['segments'])} из {line(facts['limit'])}"
    )


def _list(seen: Seen) -> str:
    return _moment(seen.at)


def _refused(seen: Seen) -> str:
    return f"{_moment(seen.at)}. Ответ сервера: {line(seen.notice.details['reason'])}"


def _not_mine(seen: Seen) -> str:
    who = line(seen.notice.details["guardian"])
    return f"{_moment(seen.at)}, законный представитель с номером {who} в списках школы"


def _not_handed_out(seen: Seen) -> str:
    facts = seen.notice.details
    state = STATES.get(facts["state"], line(facts["state"]))
    due = _moment(instant(facts["hand_out_by"]).astimezone(seen.timezone))
    return f"{_class(seen)}, {_sheets(facts['occasion'], facts['name'])}: {state}; срок был {due}"


def _sheets(occasion: str, name: str) -> str:
    """Named as the print queue names its batches: a week by its ISO number, extra ones by their day."""
    if occasion == "week" and (week := _WEEK.fullmatch(name)):
        return f"листы за {int(week[2])}-ю неделю {week[1]} года"
    try:
        return f"дополнительные листы за {day(date.fromisoformat(name))}"
    except ValueError:
        return f"листы «{line(name)}»"


def _moved(seen: Seen) -> str:
    who = line(seen.pupil) if seen.pupil else "имя не указано"
    return f"{who}, {_class(seen)}"


def _late(seen: Seen) -> str:
    facts = seen.notice.details
    over = ", ".join(CHANNELS.get(channel, line(channel)) for channel in facts["channels"].split())
    return f"{_moment(seen.at)}, просроченных сведений: {line(facts['late'])} ({over})"


def _disagrees(seen: Seen) -> str:
    return f"{_moment(seen.at)}, строк: {line(seen.notice.details['rows'])}"


def _unreachable(seen: Seen) -> str:
    instead = INSTEAD.get(seen.notice.details["instead"], line(seen.notice.details["instead"]))
    return f"{_moved(seen)}: {instead}"


def _turns_18(seen: Seen) -> str:
    who = f"{line(seen.pupil)}, {_class(seen)}" if seen.pupil else f"ученик класса {_class(seen)}"
    return f"{who}: {_date(seen.notice.details['on'])}"


def _not_rolled_over(seen: Seen) -> str:
    return f"{day(seen.at.date())}, срок — {_date(seen.notice.details['due'])}"


def _date(said: str) -> str:
    try:
        on = date.fromisoformat(said)
    except ValueError:
        return line(said)
    return f"{day(on)} {on.year} года"


def _not_erased(seen: Seen) -> str:
    return f"{_moment(seen.at)}, просрочено: {line(seen.notice.details['late'])}"


def _braked(seen: Seen) -> str:
    return f"{_moment(seen.at)}, выбыло: {line(seen.notice.details['leavings'])}"


def _as_it_is(seen: Seen) -> str:
    facts = {key: value for key, value in seen.notice.details.items() if key not in {"kind", "at"}}
    return f"{line(seen.notice.kind)}, {_moment(seen.at)}: {line(orjson.dumps(facts).decode())}"


_CASES: dict[Kind, Callable[[Seen], str]] = {
    Kind.CHANNEL_PAUSED: _paused,
    Kind.SMS_LIST_UNREACHABLE: _list,
    Kind.MAIL_REFUSED: _refused,
    Kind.NOT_MY_CHILD: _not_mine,
    Kind.PAPER_NOT_HANDED_OUT: _not_handed_out,
    Kind.MOVED_TO_PAPER: _moved,
    Kind.SMS_LIST_LIES: _list,
    Kind.FAMILY_UNREACHABLE: _unreachable,
    Kind.DEADLINE_LATE: _late,
    Kind.LEDGER_DISAGREES: _disagrees,
    Kind.PROVIDER_AWAY: _away,
    Kind.SMS_BUDGET_LOW: _budget,
    Kind.SMS_BUDGET_SPENT: _budget,
    Kind.PUPIL_TURNS_18: _turns_18,
    Kind.LISTS_NOT_ROLLED_OVER: _not_rolled_over,
    Kind.ERASURE_OVERDUE: _not_erased,
    Kind.ERASURE_BRAKED: _braked,
}


def _class(seen: Seen) -> str:
    return quoted_class(line(seen.notice.class_name or ""))


def _moment(at: datetime) -> str:
    return f"{day(at.date())} в {at:%H:%M}"
