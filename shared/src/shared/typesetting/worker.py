"""One Typst compile in a process of its own: Typst keeps what it memoised, so the process must end.

Standard input: JSON with `templates` (a folder, all that Typst may read beside the forms that services
share, `@local/forms`), `main` (a file in it), `tree` (for the template, as the input `data`), `timestamp`
(UNIX seconds, the PDF's date), `font` and `font_folder`. Standard output: one line of JSON with the page
marks, then the PDF. What Typst refuses ends the process with status 1 and Typst's words on standard error.
Run as `python -m shared.typesetting.worker`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import typst

_PACKAGES = Path(__file__).parent / "packages"
_MARKS = (
    "(begin: query(<begin>).map(m => (kind: m.value.kind, id: m.value.id, page: m.location().page())),"
    " end: query(<end>).map(m => m.location().page()))"
)


def run(job: dict[str, Any]) -> tuple[str, bytes]:
    """The page marks as JSON, and the PDF (PDF/A-2a and PDF/UA-1)."""
    templates = Path(job["templates"])
    compiler = typst.Compiler(
        str(templates / job["main"]),
        root=str(templates),
        font_paths=[job["font_folder"]],
        ignore_system_fonts=True,
        package_path=str(_PACKAGES),
        sys_inputs={"data": json.dumps(job["tree"], ensure_ascii=False), "font": job["font"]},
    )
    pdf = compiler.compile(format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=job["timestamp"])
    if not isinstance(pdf, bytes):
        raise TypeError("Typst returned no PDF")
    return compiler.eval(_MARKS), pdf


def main() -> int:
    try:
        marks, pdf = run(json.load(sys.stdin.buffer))
    except typst.TypstError as error:
        sys.stderr.write("\n".join([error.message, *error.hints, *error.trace]))
        return 1
    sys.stdout.buffer.write(marks.replace("\n", " ").encode() + b"\n" + pdf)
    return 0


if __name__ == "__main__":
    sys.exit(main())
