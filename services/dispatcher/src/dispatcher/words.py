"""Plain Russian for what the database stores, one table a kind."""

TYPES = {
    "journal.mark.set": "отметки",
    "journal.mark.removed": "отметки удалены",
    "journal.final_mark.set": "итоговые отметки",
    "journal.final_mark.removed": "итоговые отметки удалены",
    "journal.forecast.set": "прогнозы",
    "journal.attendance.set": "посещаемость",
    "journal.attendance.removed": "посещаемость: записи удалены",
    "journal.homework.set": "домашние задания",
    "journal.homework.removed": "домашние задания удалены",
    "journal.lesson.changed": "изменения расписания",
    "journal.assessment.planned": "контрольные работы",
    "journal.assessment.removed": "контрольные отменены",
    "journal.remark.set": "замечания и похвалы",
    "journal.remark.removed": "замечания удалены",
    "journal.announcement.posted": "объявления",
    "journal.announcement.removed": "объявления сняты",
}
CATEGORIES = {
    "mark": "отметка",
    "final_mark": "итоговая отметка",
    "forecast": "прогноз",
    "attendance": "посещаемость",
    "homework": "домашнее задание",
    "lesson": "изменение в расписании",
    "assessment": "контрольная работа",
    "remark": "замечание или похвала",
    "announcement": "объявление",
}
VERDICTS = {"tell": "сообщить", "paper": "на бумагу", "suppress": "не сообщать"}
REASONS = {
    "rights": "нет прав законного представителя",
    "unmarked_class": "в классе не ставят отметок",
    "no_consent": "нет согласия",
    "out_of_scope": "не просили в заявлении",
    "unwanted": "семья отказалась",
    "unreachable": "нет рабочего адреса",
    "application": "по заявлению",
    "preference": "по желанию семьи",
    "stale": "запись уже устарела",
    "nothing_told": "отменять нечего: не сообщали",
    "nothing_to_tell": "сообщать нечего",
    "expired": "срок вышел, сообщать поздно",
    "not_prepared": "не удалось проверить согласие, попытка позже",
    "not_rendered": "не удалось составить текст, попытка позже",
    "lease_ran_out": "отправка прервалась, исход выясняется",
    "found_in_list": "шлюз принял: найдено в его списке",
    "not_listed": "шлюз не принял: в его списке нет, отправляем снова",
    "never_accepted": "до шлюза не дошло, отправляем снова",
    "same_name_again": "исход не узнать: отправляем снова под тем же номером",
    "perhaps_told": "заменено новой записью, хотя могло уже дойти",
    "after_earlier": "ждёт, пока уйдёт то, что исправляет",
    "quiet_hours": "тихие часы",
    "same_sms_open": "такое же SMS на этот номер ещё в пути",
    "next_address": "адрес не работает, пробуем следующий",
}
CHANNELS = {"email": "почта", "sms": "SMS", "push": "push", "paper": "бумага"}
STATUSES = {
    "composed": "ждёт отправки",
    "sending": "отправляется",
    "accepted": "принято шлюзом",
    "delivered": "доставлено",
    "failed": "не дошло",
    "unknown": "исход выясняется",
    "cancelled": "отменено",
    "expired": "устарело",
}
LEDGER = {
    "delivered": "доставлено",
    "accepted": "принято шлюзом",
    "paper": "на бумаге",
    "suppressed": "не сообщалось, с причиной",
    "failed": "не дошло",
    "expired": "устарело",
    "cancelled": "заменено новой записью или остановлено",
    "pending": "в работе",
}
NOTICES = {
    "channel_paused": "отправка остановлена",
    "sms_list_unreachable": "шлюз не отдаёт список SMS",
    "not_my_child": "письмо пришло не тому человеку",
    "paper_not_handed_out": "бумажные листы не выданы",
    "moved_to_paper": "семья переведена на бумагу",
    "deadline_late": "семьям сообщают с опозданием",
    "ledger_disagrees": "книга учёта не сходится",
}
UNTOLD = {
    "no_staff": "некому сообщить",
    "no_address": "у сотрудников нет адреса почты",
    "refused": "почта сотрудника не принимает писем",
    "gave_up": "письмо не ушло за три дня",
}
FAULTS = {
    "change_lost": "изменение прочитано, но не разобрано",
    "decisions_missing": "решений меньше, чем законных представителей",
    "decisions_extra": "решений больше, чем законных представителей",
    "decision_stray": "решение об изменении, которого нет",
    "message_missing": "решение ссылается на сообщение, которого нет",
    "message_mismatch": "решение и его сообщение не об одном и том же",
    "message_empty": "отправлено сообщение, в котором ничего нет",
    "history_broken": "история сообщения не сходится с его состоянием",
}
