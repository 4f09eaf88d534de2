"""What the desk's pages call things, for the catalogue."""

from shared.categories import Category
from shared.consent import Form
from shared.web.language import mark

RELATIONS = {
    "mother": mark("мать"),
    "father": mark("отец"),
    "adoptive": mark("усыновитель"),
    "guardian": mark("опекун"),
    "trustee": mark("попечитель"),
    "institution": mark("учреждение"),
    "self": mark("сам ученик"),
}
FORMS = {
    Form.ELECTRONIC: mark("электронный доступ"),
    Form.WEEKLY_EMAIL: mark("письмо раз в неделю"),
    Form.PAPER: mark("на бумаге раз в неделю"),
}
CATEGORIES = {
    Category.MARK: mark("отметки"),
    Category.FINAL_MARK: mark("итоговые отметки"),
    Category.FORECAST: mark("прогноз"),
    Category.ATTENDANCE: mark("пропуски и опоздания"),
    Category.HOMEWORK: mark("домашние задания"),
    Category.LESSON: mark("изменения расписания"),
    Category.ASSESSMENT: mark("контрольные"),
    Category.REMARK: mark("замечания и похвалы"),
    Category.ANNOUNCEMENT: mark("объявления"),
}
CONFIRMED = {"application": mark("по заявлению"), "code": mark("кодом")}
STOPPED = {
    "desk": mark("убран секретарём"),
    "unsubscribed": mark("отписались по ссылке из письма"),
    "not_mine": mark("ответили «это не мой ребёнок»"),
    "not_my_child": mark("ответили «это не мой ребёнок»"),
    "stop": mark("семья попросила не писать на этот номер"),
    "complaint": mark("письмо отметили как спам"),
    "reply": mark("сервер отказался принять"),
    "bounce": mark("письмо вернулось"),
    "receipt": mark("шлюз сообщил, что номер не работает"),
}
"""Why nothing goes to an address: `consent.contact.stopped_because` and `suppression.Source`."""
