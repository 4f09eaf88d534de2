"""School subjects as phrases need them: after «по», and in English. Shorter forms: `words/abbreviations`."""

# Name: (dative after «по», English). Names are compared without case, «ё» as «е».
COURSES: dict[str, tuple[str, str]] = {
    "алгебра": ("алгебре", "algebra"),
    "алгебра и начала анализа": ("алгебре и началам анализа", "algebra and calculus"),
    "алгебра и начала математического анализа": (
        "алгебре и началам математического анализа",
        "algebra and calculus",
    ),
    "английский язык": ("английскому языку", "English"),
    "астрономия": ("астрономии", "astronomy"),
    "башкирский язык": ("башкирскому языку", "Bashkir"),
    "биология": ("биологии", "biology"),
    "введение в новейшую историю россии": ("новейшей истории России", "recent history of Russia"),
    "вероятность и статистика": ("вероятности и статистике", "probability and statistics"),
    "всеобщая история": ("всеобщей истории", "world history"),
    "второй иностранный язык": ("второму иностранному языку", "second foreign language"),
    "география": ("географии", "geography"),
    "геометрия": ("геометрии", "geometry"),
    "естествознание": ("естествознанию", "science"),
    "изобразительное искусство": ("изобразительному искусству", "art"),
    "индивидуальный проект": ("индивидуальному проекту", "individual project"),
    "иностранный язык": ("иностранному языку", "foreign language"),
    "информатика": ("информатике", "computer science"),
    "испанский язык": ("испанскому языку", "Spanish"),
    "история": ("истории", "history"),
    "история россии": ("истории России", "history of Russia"),
    "китайский язык": ("китайскому языку", "Chinese"),
    "краеведение": ("краеведению", "local studies"),
    "литература": ("литературе", "literature"),
    "литературное чтение": ("литературному чтению", "reading"),
    "литературное чтение на родном языке": (
        "литературному чтению на родном языке",
        "reading in the native language",
    ),
    "математика": ("математике", "mathematics"),
    "мировая художественная культура": ("мировой художественной культуре", "world art"),
    "музыка": ("музыке", "music"),
    "немецкий язык": ("немецкому языку", "German"),
    "обществознание": ("обществознанию", "social studies"),
    "окружающий мир": ("окружающему миру", "the world around us"),
    "основы безопасности жизнедеятельности": ("основам безопасности жизнедеятельности", "life safety"),
    "основы безопасности и защиты родины": (
        "основам безопасности и защиты Родины",
        "fundamentals of security and defence",
    ),
    "основы духовно-нравственной культуры народов россии": (
        "основам духовно-нравственной культуры народов России",
        "moral and spiritual culture of Russia",
    ),
    "основы религиозных культур и светской этики": (
        "основам религиозных культур и светской этики",
        "religions and secular ethics",
    ),
    "право": ("праву", "law"),
    "программирование": ("программированию", "programming"),
    "психология": ("психологии", "psychology"),
    "разговоры о важном": ("разговорам о важном", "conversations about what matters"),
    "родная литература": ("родной литературе", "native literature"),
    "родной язык": ("родному языку", "native language"),
    "россия — мои горизонты": ("курсу «Россия — мои горизонты»", "careers"),
    "русский язык": ("русскому языку", "Russian language"),
    "татарский язык": ("татарскому языку", "Tatar"),
    "технология": ("технологии", "technology"),
    "труд (технология)": ("труду (технологии)", "crafts and technology"),
    "физика": ("физике", "physics"),
    "физическая культура": ("физической культуре", "physical education"),
    "физкультура": ("физкультуре", "physical education"),
    "финансовая грамотность": ("финансовой грамотности", "financial literacy"),
    "французский язык": ("французскому языку", "French"),
    "функциональная грамотность": ("функциональной грамотности", "functional literacy"),
    "химия": ("химии", "chemistry"),
    "черчение": ("черчению", "technical drawing"),
    "чувашский язык": ("чувашскому языку", "Chuvash"),
    "экология": ("экологии", "ecology"),
    "экономика": ("экономике", "economics"),
}
_BY_KEY = {name.replace("ё", "е"): forms for name, forms in COURSES.items()}


def by(course: str) -> str:
    """«по алгебре»; a name the table does not know stays in its quotes: «по предмету «Роботы»»."""
    forms = _BY_KEY.get(_key(course))
    return f"по {forms[0]}" if forms else f"по предмету {quoted(course)}"


def within(course: str) -> str:
    """The course inside a sentence: known names small, as Russian writes them."""
    return course[:1].lower() + course[1:] if _key(course) in _BY_KEY else course


def english(course: str) -> str:
    """The course inside an English sentence; a name the table does not know as the school wrote it."""
    forms = _BY_KEY.get(_key(course))
    return forms[1] if forms else course


def quoted(name: str) -> str:
    """In guillemets; quotes inside are „such“, never doubled."""
    outer = name[:1] in {"«", '"'} and name[-1:] in {"»", '"'}
    inner = name[1:-1] if outer else name
    return f"«{inner.replace('«', '„').replace('»', '“')}»"


def _key(course: str) -> str:
    return course.casefold().replace("ё", "е")
