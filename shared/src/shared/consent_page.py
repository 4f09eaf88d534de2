"""The matrix of `shared.consent` as a page of the docs: `python -m shared.consent_page > docs/consent.md`.

A test holds the page against the code, so that what a lawyer reads is what the program does.
"""

import sys

from shared.categories import Channel
from shared.consent import MATRIX, Cell, Subject
from shared.consent_items import SECTIONS, TITLES

SUBJECTS = {
    Subject.PROGRESS: "Отметки, прогноз, замечания, личное задание, итоговые отметки (кроме аттестации)",
    Subject.ATTESTATION: "Итоговая аттестация выпускников",
    Subject.SCHOOL_LIFE: "Посещаемость, общее задание, изменения расписания, контрольные, объявления",
}
WAYS = {
    Channel.EMAIL: "Почта",
    Channel.SMS: "СМС",
    Channel.PUSH: "Уведомление",
    "page": "Страница семьи",
    Channel.PAPER: "Бумага",
}
_HEAD = """# Что разрешает лист согласия

Эта страница напечатана программой из таблицы `shared/src/shared/consent.py` (R-C4). В клетке — пункты листа
согласия, которые должны быть отмечены все; через «или» — достаточно одного. Номера пунктов — из приложения 2
к регламенту 001; основание каждой клетки — эти пункты.
"""
_TAIL = """
Подписанное заявление «на бумаге» при неотозванном согласии заменяет весь столбец «Бумага» в пределах того, о
чём просит семья (001, 2.7). Отозванный или истёкший лист не разрешает ничего и отменяет и такое заявление,
пока не зарегистрирован новый. Отказ от согласия — лист без пунктов. Пустые пункты 6.1–6.6 ничего не
запрещают: о них программа только предупреждает секретаря.

## Другая форма листа

Если у школы свой лист, её пункты сопоставляются пунктам таблицы в `vestnik.toml`:

```toml
[schools.ilinskaya.consent_form]
"1" = ["1.3"]               # контакты
"2" = ["4.3", "4.6"]        # успеваемость и аттестация
"3" = ["6.9", "6.12"]       # электронные способы
"4" = []                    # не относится к рассылке
```

Тогда в списках и на столе секретаря пишут пункты школы: хранится и то, что подписано, и то, что это значит.
После правки сопоставления загрузите `consents.csv` ещё раз.

## Пункты листа
"""


def page() -> str:
    """The whole page, Markdown."""
    lines = [_HEAD, f"| О чём | {' | '.join(WAYS.values())} |", "|---|" + "---|" * len(WAYS)]
    for subject, row in MATRIX.items():
        lines.append(f"| {SUBJECTS[subject]} | {' | '.join(_cell(row[way]) for way in WAYS)} |")
    lines += [_TAIL, "| пункт | о чём |", "|---|---|"]
    for section, title in SECTIONS.items():
        lines.append(f"| **{section}** | **{title}** |")
        lines += [f"| {item} | {said} |" for item, said in TITLES.items() if item.split(".")[0] == section]
    return "\n".join(lines) + "\n"


def _cell(cell: Cell) -> str:
    return ", ".join(need if isinstance(need, str) else f"({' или '.join(need)})" for need in cell)


if __name__ == "__main__":
    sys.stdout.write(page())
