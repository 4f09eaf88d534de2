"""A tree of ready texts and a Typst template in, a PDF out: one short-lived process with a time limit."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared.typesetting.glyphs import FONT_FAMILY, FONT_FOLDER, Json

TIME_LIMIT = timedelta(seconds=60)


class CompileFailed(Exception):
    """Nothing came out; the text says why in Russian, ready to stand inside a sentence."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The PDF (byte-identical for equal input), and the template's page marks: `begin`, a list of
    {kind, id, page}, and `end`, a list of pages; both empty where a template sets none."""

    pdf: bytes
    marks: Mapping[str, Any]


def compile_pdf(
    templates: Path,
    main: str,
    tree: Mapping[str, Json],
    *,
    created_at: datetime,
    time_limit: timedelta = TIME_LIMIT,
) -> Compiled:
    """Blocking: about half a second. The template reads `tree` as `json(bytes(sys.inputs.data))`; its
    strings must be reduced to what the font can draw (`glyphs.filter_json`). Raises `CompileFailed`."""
    job = {
        "templates": str(templates),
        "main": main,
        "tree": tree,
        "timestamp": int(created_at.timestamp()),
        "font": FONT_FAMILY,
        "font_folder": str(FONT_FOLDER),
    }
    command = [sys.executable, "-I", "-m", "shared.typesetting.worker"]
    try:
        done = subprocess.run(  # noqa: S603 -- a fixed command; the document goes through standard input
            command,
            input=json.dumps(job, ensure_ascii=False).encode(),
            capture_output=True,
            timeout=time_limit.total_seconds(),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CompileFailed(
            f"вёрстка не уложилась в {time_limit.total_seconds():g} с и остановлена. Повторите; если не "
            "поможет, найдите необычно длинный текст"
        ) from error
    if done.returncode != 0:
        words = done.stderr.decode(errors="replace").strip()[-500:] or f"код завершения {done.returncode}"
        raise CompileFailed(f"программа вёрстки отказала: {words}. Передайте это сообщение администратору")
    head, _, pdf = done.stdout.partition(b"\n")
    return Compiled(pdf, json.loads(head))
