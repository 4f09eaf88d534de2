"""Keeps the English catalogues complete: `python -m shared.web.catalogues` after texts changed.

Every Russian literal in a template's expressions and in `mark("…")` is a text. The command adds new
ones without a translation and drops those that are gone; a guard test fails while one is untranslated.
"""

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

COMMON = "shared.web"
PACKAGES = (COMMON, "ingest", "dispatcher", "print_queue", "onebox")
_RUSSIAN = re.compile("[а-яё]", re.IGNORECASE)


def main() -> None:
    """Rewrites every catalogue in place."""
    for package in PACKAGES:
        if found := texts_of(package):
            untranslated = _rewrite(catalogue_file(package), found)
            print(f"{package}: {len(found)}, без перевода {untranslated}")  # noqa: T201 - the answer itself


def texts_of(package: str) -> set[str]:
    """Every text of the package's pages, in Russian, except those that the common catalogue has, which is
    that of all `shared`."""
    common = set() if package == COMMON else texts_of(COMMON)
    return {*_in_templates(package), *_in_code("shared" if package == COMMON else package)} - common


def raw_russian(package: str) -> set[str]:
    """Russian in templates outside of expressions: nothing will ever translate it."""
    return {
        part.strip()
        for template in _templates(package)
        for data in template.find_all(nodes.TemplateData)
        for part in data.data.splitlines()
        if _RUSSIAN.search(part)
    }


def catalogue_file(package: str) -> Path:
    return _folder(package) / "locale" / "en.po"


def _folder(package: str) -> Path:
    return Path(str(files(package)))


def _templates(package: str) -> Iterator[nodes.Template]:
    environment = Environment(autoescape=True, extensions=["jinja2.ext.do"])
    only = "pages" if package != COMMON else "templates"
    for file in sorted((_folder(package) / only).rglob("*.j2")):
        yield environment.parse(file.read_text(encoding="utf-8"))


def _in_templates(package: str) -> Iterator[str]:
    for template in _templates(package):
        for constant in template.find_all(nodes.Const):
            if isinstance(constant.value, str) and _RUSSIAN.search(constant.value):
                yield constant.value


def _in_code(package: str) -> Iterator[str]:
    for file in sorted(_folder(package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="mark"), args=[ast.Constant(value=str(said)), *_]):
                    yield said


def _rewrite(file: Path, found: set[str]) -> int:
    known = {}
    if file.exists():
        with file.open("rb") as source:
            known = {str(entry.id): str(entry.string) for entry in read_po(source, locale="en")}
    catalogue = Catalog(locale="en")
    for said in sorted(found):
        catalogue.add(said, known.get(said, ""))
    file.parent.mkdir(exist_ok=True)
    with file.open("wb") as target:
        write_po(target, catalogue, omit_header=True, width=0)
    return sum(not known.get(said) for said in found)


if __name__ == "__main__":
    main()
