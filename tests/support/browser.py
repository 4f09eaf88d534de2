"""A real browser before the real pages: Debian's Chromium through Playwright.

A `Screen` is one person's window. It fails the test for what the person would not see but should not
be there: errors in the console, refusals of the content security policy, scripts that broke. `check`
looks at the page as axe-core does, narrow and wide, light and dark.

With VESTNIK_SCREENSHOTS=folder every checked page is kept there as a picture.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

CHROMIUM = Path(os.environ.get("VESTNIK_TEST_CHROMIUM", "/usr/bin/chromium"))
NO_BROWSER = f"no browser here ({CHROMIUM}, or VESTNIK_TEST_CHROMIUM=path)"
_LOOKS: tuple[tuple[tuple[int, int], Literal["dark", "light"]], ...] = (
    ((320, 800), "dark"),
    ((1280, 900), "light"),
)
# Said of a page whose status is an error too, which is none.
_SHOWN_BY_STATUS = "Failed to load resource"
_AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
_SERIOUS = {"serious", "critical"}


def available() -> bool:
    return CHROMIUM.exists()


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A browser with nothing in it."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=options)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Screen:
    """One person's window on `base`, the address of an installation."""

    page: Page
    base: str
    wrong: list[str] = field(default_factory=list)
    """What the browser complained of."""

    @classmethod
    async def open(
        cls, browser: Browser, base: str, *, language: str = "ru-RU", scripts: bool = True
    ) -> "Screen":
        """A new person: no cookies. `scripts=False` is a browser without JavaScript."""
        context = await browser.new_context(
            base_url=base, locale=language, java_script_enabled=scripts, reduced_motion="reduce"
        )
        screen = cls(await context.new_page(), base)
        screen.page.on("console", screen._hear)
        screen.page.on("pageerror", lambda error: screen.wrong.append(str(error)))
        return screen

    async def go(self, path: str) -> int:
        """Opens a path or an address; the answer's status."""
        answer = await self.page.goto(path)
        assert answer is not None
        return answer.status

    async def fill(self, **fields: str) -> None:
        """Types into fields by their names."""
        for name, value in fields.items():
            await self.page.fill(f"[name={name}]", value)

    async def press(self, text: str) -> None:
        """The button of this name, and waits for where it leads."""
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name=text, exact=True).click()

    async def follow(self, text: str) -> None:
        """The link of this name, and waits for where it leads."""
        async with self.page.expect_navigation():
            await self.page.get_by_role("link", name=text, exact=True).click()

    async def says(self) -> str:
        """Everything the person reads in the page's main part."""
        return await self.page.inner_text("main")

    async def check(self, name: str) -> None:
        """Nothing the browser complains of, nothing serious for axe-core, nothing cut off: narrow and
        dark, wide and light. `name` is the picture's."""
        assert self.wrong == [], name
        for (width, height), scheme in _LOOKS:
            await self.page.emulate_media(color_scheme=scheme)
            await self.page.set_viewport_size({"width": width, "height": height})
            await self._keep(f"{name}-{width}-{scheme}")
            assert await self._violations() == [], f"{name}, {width} px, {scheme}"
            over = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert over <= 0, f"{name}: wider than {width} px by {over}"

    async def close(self) -> None:
        """Ends the window; fails for what the browser complained of."""
        await self.page.context.close()
        assert self.wrong == []

    def _hear(self, message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        document = address.split("?")[0] == self.page.url.split("?")[0] and _SHOWN_BY_STATUS in message.text
        if message.type in {"error", "warning"} and not document:
            self.wrong.append(f"{message.text} ({address})")

    async def _violations(self) -> list[str]:
        await self.page.evaluate(_AXE)
        found: dict[str, Any] = await self.page.evaluate("axe.run()")
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in _SERIOUS
        ]

    async def _keep(self, name: str) -> None:
        if folder := os.environ.get("VESTNIK_SCREENSHOTS"):
            await self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)
