"""Blank forms for families: the invitation, the application and the consent sheet (R-C11, 002 1.10).

A family's forms are two leaves printed on both sides: the invitation with the application on its back,
then the consent sheet. Without a child's name they may be left on a desk.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from dispatcher.desk.refusals import SHEETS
from dispatcher.texts.russian import capitalised, quoted_class
from shared.categories import Channel
from shared.consent import MATRIX, OwnForm, Subject
from shared.consent_items import SECTIONS, TITLES
from shared.typesetting.compile import compile_pdf
from shared.typesetting.glyphs import Json, filter_json

WORDING: Mapping[str, str] = {
    "1.1": "Данные о возрасте и поле",
    "1.2": "Данные о гражданстве, регистрации и родном языке",
    "1.3": "Информация для связи",
    "1.4": "Данные о прибытии и выбытии в/из ОУ",
    "2.1": "Информация о родителях",
    "2.2": "Информация о лицах, заменяющих родителей",
    "3.1": "Состав семьи",
    "3.2": "Категория семьи для оказания материальной и других видов помощи и сбора отчётности по "
    "социальному статусу контингента",
    "3.3": "Сведения о попечительстве, опеке, отношении к группе социально незащищённых обучающихся",
    "3.4": "Виды помощи обучающимся, оказываемые образовательным учреждением",
    "3.5": "Отношение к группе риска, поведенческий статус",
    "3.6": "Сведения о правонарушениях",
    "4.1": "Форма получения образования и специализация/профилизация",
    "4.2": "Изучение родных и иностранных языков",
    "4.3": "Сведения об успеваемости",
    "4.4": "Сведения о внеучебной занятости",
    "4.5": "Участие в ЕГЭ",
    "4.6": "Информация об итоговой аттестации выпускников",
    "5.1": "Копии документов, хранящиеся в личном деле учащегося, и другие дополнительные сведения",
    "5.2": "Фотография учащегося",
    "6.1": "Сбор персональных данных",
    "6.2": "Систематизация персональных данных",
    "6.3": "Накопление персональных данных",
    "6.4": "Хранение персональных данных",
    "6.5": "Уточнение (обновление, изменение) персональных данных",
    "6.6": "Использование персональных данных",
    "6.7": "Распространение внутреннее",
    "6.8": "Распространение внешнее",
    "6.9": "Рассылка сведений об успеваемости и посещаемости законным представителям обучающихся в "
    "электронном виде (электронная почта)",
    "6.10": "Рассылка сведений об успеваемости и посещаемости законным представителям обучающихся в бумажном "
    "виде",
    "6.11": "Размещение в Интернет",
    "6.12": "Ознакомление, обнародование, предоставление доступа к персональным данным иным способом",
    "6.13": "Обезличивание персональных данных",
    "6.14": "Блокирование персональных данных",
    "6.15": "Уничтожение персональных данных",
}
"""The items as Appendix 2 words them: what is signed is not ours to shorten."""

NOT_ON_IT = "нет в листе"
_PURPOSES = (
    "учёт детей, подлежащих обязательному обучению в образовательном учреждении",
    "соблюдение порядка и правил приёма в образовательное учреждение",
    (
        "индивидуальный учёт результатов освоения образовательных программ и хранение в архивах данных об "
        "этих результатах на бумажных и (или) электронных носителях"
    ),
    (
        "учёт реализации права на получение образования в форме самообразования, экстерната, на обучение по "
        "индивидуальным учебным планам, на ускоренный курс обучения"
    ),
    "учёт обучающихся, нуждающихся в социальной поддержке и защите",
    (
        "учёт подростков, нуждающихся в особых условиях воспитания и обучения и требующих специального "
        "педагогического подхода, обеспечивающего их социальную реабилитацию, образование и профессиональную "
        "подготовку"
    ),
)


@dataclass(frozen=True, slots=True)
class Child:
    """Whose name stands on the forms already."""

    name: str
    class_name: str


def items_to_tick(form: OwnForm) -> dict[str, str]:
    """For each way of telling the items of the school's sheet that open it: what the invitation names.
    Pure; a way whose items the sheet lacks says so."""
    progress, attestation = MATRIX[Subject.PROGRESS], MATRIX[Subject.ATTESTATION]
    ways = {
        "email": progress[Channel.EMAIL],
        "phone": progress[Channel.SMS],
        "paper": progress[Channel.PAPER],
    }
    said = {way: _tick(tuple(_first(need) for need in cell), form) for way, cell in ways.items()}
    more = [need for need in attestation[Channel.PAPER] if need not in progress[Channel.PAPER]]
    known = _tick(tuple(_first(need) for need in more), form)
    return {**said, "attestation": "" if known == NOT_ON_IT else known}


def sections(form: OwnForm) -> list[Json]:
    """The sheet's sections, each with its items; a school's own form is one section."""
    if form:
        own: list[Json] = [
            {
                "number": number,
                "text": capitalised("; ".join(TITLES[item] for item in meant)) if meant else "",
            }
            for number, meant in form.items()
        ]
        return [{"title": "Пункты листа согласия школы", "items": own}]
    return [
        {
            "title": f"{section}. {title}",
            "items": [
                {"number": item, "text": text}
                for item, text in WORDING.items()
                if item.split(".")[0] == section
            ],
        }
        for section, title in SECTIONS.items()
    ]


def invitations(
    children: Sequence[Child | None], *, school: str, unmarked: bool, form: OwnForm, today: date
) -> bytes:
    """Forms for each child, or nameless for None. Blocking, a second for a class; byte-identical for
    equal input. Raises CompileFailed."""
    return _pdf("invitation.typ", children, school=school, unmarked=unmarked, form=form, today=today)


def applications(children: Sequence[Child | None], *, school: str, today: date) -> bytes:
    """The application alone. Blocking. Raises CompileFailed."""
    return _pdf("application.typ", children, school=school, unmarked=False, form={}, today=today)


def _pdf(
    main: str,
    children: Sequence[Child | None],
    *,
    school: str,
    unmarked: bool,
    form: OwnForm,
    today: date,
) -> bytes:
    tree: dict[str, Json] = {
        "common": {"school": school, "unmarked": unmarked},
        "created": [today.year, today.month, today.day],
        "children": [
            {"name": child.name, "class": quoted_class(child.class_name)} if child is not None else None
            for child in children
        ],
        "tick_for": dict(items_to_tick(form)),
        "purposes": list(_PURPOSES),
        "sections": sections(form),
    }
    safe = filter_json(tree, Counter())
    assert isinstance(safe, dict)
    return compile_pdf(SHEETS, main, safe, created_at=datetime.combine(today, time(12), UTC)).pdf


def _first(need: str | tuple[str, ...]) -> str:
    return need if isinstance(need, str) else need[0]


def _tick(needs: tuple[str, ...], form: OwnForm) -> str:
    """The sheet's own items that mean all of `needs`."""
    if not form:
        return ", ".join(needs)
    own = [number for number, meant in form.items() if set(meant) & set(needs)]
    covered = {item for number in own for item in form[number]}
    return ", ".join(own) if set(needs) <= covered else NOT_ON_IT
