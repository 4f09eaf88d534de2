"""What every command stands on: two consoles, the settings, and the installation's database.

Answers go to standard output, everything else to standard error.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import typer
from rich.console import Console

if TYPE_CHECKING:  # a command loads what it needs, so that the others start quickly
    from shared.service import Context
    from shared.settings import Settings

answers = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)
Result = TypeVar("Result")

DAY = ["%Y-%m-%d"]
"""How a day is typed."""


def settings_or_exit(level: str | None = "warning") -> "Settings":
    """The settings; a wrong one ends the command with a sentence that says which and why."""
    from shared import logging
    from shared.settings import SettingsError, load

    try:
        settings = load()
    except SettingsError as wrong:
        errors.print(f"Настройки: {wrong}", style="red", markup=False)
        raise typer.Exit(2) from None
    logging.configure(level or settings.log_level)
    return settings


def within(work: Callable[["Context"], Coroutine[Any, Any, Result]]) -> Result:
    """Runs `work` with the installation's database at hand."""
    from onebox.environment import database
    from shared.serve import context_of

    settings = settings_or_exit()

    async def run() -> Result:
        async with database(settings) as url:
            return await work(context_of(settings, url))

    return asyncio.run(run())
