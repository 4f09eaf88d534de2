"""The items of the consent sheet in words (001 Appendix 2), for forms, explanations and the docs."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from shared.web.language import Worded, mark

SECTIONS: Mapping[str, str] = {
    "1": mark("Анкетные данные"),
    "2": mark("Сведения о родителях или лицах, их заменяющих"),
    "3": mark("Сведения о семье"),
    "4": mark("Данные об образовании"),
    "5": mark("Дополнительные данные"),
    "6": mark("Действия с персональными данными"),
}

TITLES: Mapping[str, str] = {
    "1.1": mark("возраст и пол"),
    "1.2": mark("гражданство, регистрация, родной язык"),
    "1.3": mark("информация для связи"),
    "1.4": mark("прибытие в школу и выбытие из неё"),
    "2.1": mark("сведения о родителях"),
    "2.2": mark("сведения о лицах, заменяющих родителей"),
    "3.1": mark("состав семьи"),
    "3.2": mark("категория семьи для помощи и отчётности"),
    "3.3": mark("опека, попечительство, социальная незащищённость"),
    "3.4": mark("виды помощи, которую оказывает школа"),
    "3.5": mark("группа риска, поведенческий статус"),
    "3.6": mark("сведения о правонарушениях"),
    "4.1": mark("форма образования, специализация и профиль"),
    "4.2": mark("родные и иностранные языки"),
    "4.3": mark("сведения об успеваемости"),
    "4.4": mark("внеучебная занятость"),
    "4.5": mark("участие в ЕГЭ"),
    "4.6": mark("итоговая аттестация выпускников"),
    "5.1": mark("копии документов личного дела и другие сведения"),
    "5.2": mark("фотография"),
    "6.1": mark("сбор"),
    "6.2": mark("систематизация"),
    "6.3": mark("накопление"),
    "6.4": mark("хранение"),
    "6.5": mark("уточнение: обновление и изменение"),
    "6.6": mark("использование"),
    "6.7": mark("распространение внутри школы"),
    "6.8": mark("распространение вовне: операторы связи и службы уведомлений"),
    "6.9": mark("рассылка успеваемости и посещаемости по электронной почте"),
    "6.10": mark("рассылка успеваемости и посещаемости на бумаге"),
    "6.11": mark("размещение в интернете"),
    "6.12": mark("ознакомление и доступ иным способом"),
    "6.13": mark("обезличивание"),
    "6.14": mark("блокирование"),
    "6.15": mark("уничтожение"),
}


@dataclass(frozen=True, slots=True)
class Titled(Worded):
    """Needs of the matrix in words: «4.3 (сведения об успеваемости)»; alternatives joined by «или»."""

    needs: tuple[str, ...]

    def said(self, say: Callable[[str], str]) -> str:
        return ", ".join(f" {say(mark('или'))} ".join(_titled(need, say)) for need in self.needs)


def _titled(need: str, say: Callable[[str], str]) -> Iterator[str]:
    for item in need.split("/"):
        yield f"{item} ({say(TITLES[item])})" if item in TITLES else item


@dataclass(frozen=True, slots=True)
class Meaning(Worded):
    """What an item of a school's own form means, in the words of the items it stands for."""

    items: tuple[str, ...]

    def said(self, say: Callable[[str], str]) -> str:
        return "; ".join(say(TITLES[item]) for item in self.items) or "—"


@dataclass(frozen=True, slots=True)
class Section(Worded):
    """The heading of a section of the sheet: «4. Данные об образовании»."""

    number: str

    def said(self, say: Callable[[str], str]) -> str:
        return f"{self.number}. {say(SECTIONS[self.number])}"
