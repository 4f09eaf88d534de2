"""Invented people: Russian names with «ё», compound surnames, Tatar letters and missing patronymics."""

import random
from dataclasses import dataclass

# A given name and the patronymics its owner's children bear; none where the family uses none.
MEN: dict[str, tuple[str, str] | None] = {
    "Алексей": ("Алексеевич", "Алексеевна"),
    "Андрей": ("Андреевич", "Андреевна"),
    "Артём": ("Артёмович", "Артёмовна"),
    "Василий": ("Васильевич", "Васильевна"),
    "Глеб": ("Глебович", "Глебовна"),
    "Дмитрий": ("Дмитриевич", "Дмитриевна"),
    "Егор": ("Егорович", "Егоровна"),
    "Илья": ("Ильич", "Ильинична"),
    "Константин": ("Константинович", "Константиновна"),
    "Лев": ("Львович", "Львовна"),
    "Матвей": ("Матвеевич", "Матвеевна"),
    "Михаил": ("Михайлович", "Михайловна"),
    "Никита": ("Никитич", "Никитична"),
    "Павел": ("Павлович", "Павловна"),
    "Пётр": ("Петрович", "Петровна"),
    "Семён": ("Семёнович", "Семёновна"),
    "Тимофей": ("Тимофеевич", "Тимофеевна"),
    "Фёдор": ("Фёдорович", "Фёдоровна"),
    "Юрий": ("Юрьевич", "Юрьевна"),
    "Ринат": ("Ринатович", "Ринатовна"),
    "Тимур": ("Тимурович", "Тимуровна"),
    "Җәүдәт": None,
    "Фәрит": None,
}
WOMEN = (
    "Алёна",
    "Анна",
    "Варвара",
    "Вера",
    "Дарья",
    "Елена",
    "Есения",
    "Злата",
    "Ирина",
    "Кира",
    "Ксения",
    "Любовь",
    "Маргарита",
    "Мария",
    "Наталья",
    "Ольга",
    "Полина",
    "Рената",
    "София",
    "Таисия",
    "Ульяна",
    "Фёкла",
    "Юлия",
    "Ярослава",
)
TATAR_WOMEN = ("Гөлназ", "Әлфия", "Җәмилә", "Айгөл")
SURNAMES = (
    "Берёзкин",
    "Воробьёв",
    "Горячев",
    "Дёмин",
    "Ежов",
    "Жаворонков",
    "Заречный",
    "Изумрудов",
    "Кленовский",
    "Королёв",
    "Лебёдкин",
    "Лесовой",
    "Мельниченко",
    "Незабудкин",
    "Озёрский",
    "Подснежников",
    "Ручьёв",
    "Соловьёв",
    "Тёплых",
    "Утёсов",
    "Фонарёв",
    "Хрустальнов",
    "Цветков",
    "Черёмухин",
    "Шелест",
    "Щеглов",
    "Юркевич",
    "Ясенев",
    "Соколов-Ветров",
    "Мамин-Заречный",
)
TATAR_SURNAMES = ("Хәйруллин", "Гөлбакчин", "Җиһаншин")
BEYOND_1251 = str.maketrans("ӘәӨөҮүҖҗҢңҺһ", "АаОоУуЖжНнХх")
_LATIN = str.maketrans(
    {
        **dict(zip("абвгдеёзийклмнопрстуфъыьэәөүһ", "abvgdeeziiklmnoprstuf_y_eaouh", strict=True)),
        "ж": "zh",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "sch",
        "ю": "iu",
        "я": "ia",
        "җ": "zh",
        "ң": "n",
        " ": ".",
        "_": "",
    }
)


@dataclass(frozen=True, slots=True)
class Person:
    family: str
    given: str
    patronymic: str = ""


def feminine(surname: str) -> str:
    """«Соловьёв» → «Соловьёва», part by part; indeclinable surnames stay."""

    def one(part: str) -> str:
        if part.endswith(("ов", "ёв", "ев", "ин")):
            return part + "а"
        if part.endswith(("ский", "ный")):
            return part[:-2] + "ая"
        if part.endswith("ой"):
            return part[:-2] + "ая"
        return part

    return "-".join(one(part) for part in surname.split("-"))


def latin(text: str) -> str:
    """For logins and addresses: «Соловьёва» → `soloveva`."""
    return text.lower().translate(_LATIN).replace("_", "")


def for_1251(text: str) -> str:
    """As a school that keeps its lists in windows-1251 writes Tatar letters."""
    return text.translate(BEYOND_1251)


@dataclass(frozen=True, slots=True)
class Household:
    """A surname with the people of one home."""

    surname: str
    father: Person
    mother: Person

    def child(self, rng: random.Random) -> Person:
        girl = rng.random() < 0.5
        patronymics = MEN[self.father.given]
        tatar = patronymics is None
        given = rng.choice(TATAR_WOMEN if tatar else WOMEN) if girl else rng.choice(_GIVEN_MEN)
        patronymic = patronymics[1 if girl else 0] if patronymics else ""
        return Person(feminine(self.surname) if girl else self.surname, given, patronymic)


_GIVEN_MEN = [name for name, patronymics in MEN.items() if patronymics]


def adult(rng: random.Random, surname: str, *, woman: bool) -> Person:
    patronymics = MEN[rng.choice(_GIVEN_MEN)] or ("", "")
    if woman:
        return Person(feminine(surname), rng.choice(WOMEN), patronymics[1])
    return Person(surname, rng.choice(_GIVEN_MEN), patronymics[0])


def household(rng: random.Random) -> Household:
    if rng.random() < 0.1:
        surname = rng.choice(TATAR_SURNAMES)
        father = Person(surname, rng.choice([name for name, said in MEN.items() if said is None]))
        return Household(surname, father, Person(feminine(surname), rng.choice(TATAR_WOMEN)))
    surname = rng.choice(SURNAMES)
    return Household(surname, adult(rng, surname, woman=False), adult(rng, surname, woman=True))
