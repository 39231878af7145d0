"""A second factor is set up, asked for and turned off with the keyboard alone, in Chromium."""

import base64
from dataclasses import dataclass

import pytest
from examples.demo_service import EMAIL, PASSWORD, Demo, demo
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect

from runhook.clock import SystemClock
from runhook.domain.people.second_factors import code_at, step_at
from tests.browser.inspecting import Seen, inspect
from tests.browser.watching import Load, watched

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATH = "/profile/second-factor"
WINDOW: ViewportSize = {"width": 1280, "height": 800}
MOST_STOPS = 60
"""How often somebody presses Tab on a page before they give up."""
IS_SEEN = """
(one) => {
  const style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return box.width > 1 && box.height > 1 && box.top >= 0 && box.bottom <= innerHeight
    && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}
"""
"""Whether what has the focus is in sight, and has a line around it."""
READ_OUT = """
(one) => (one.getAttribute("aria-describedby") ?? "").split(" ")
  .map((id) => document.getElementById(id)?.textContent ?? "").join(" ")
"""
"""What is read out with a field, behind its label."""
WRONG = "That code is not right, or was used already."


async def test_a_second_factor_by_keyboard_alone(browser: Browser):
    async with demo() as shown, watched(browser, shown.base, viewport=WINDOW) as page:
        keys = Keys(page, shown)
        await page.goto(f"{shown.base}/sign-in")
        await keys.type_password()
        secret = await set_up(keys)
        recovery = await turn_on(keys, secret)
        await sign_out(keys)
        await sign_in_again(keys, secret)
        await turn_off(keys, recovery)


@dataclass
class Keys:
    """A page under the hands of somebody who has no mouse."""

    page: Page
    shown: Demo

    async def press(self, key: str) -> None:
        await self.page.keyboard.press(key)

    async def send(self, *texts: str) -> None:
        """Type these, each into the next field, and send the form."""
        for number, text in enumerate(texts):
            if number:
                await self.press("Tab")
            await self.page.keyboard.type(text)
        async with self.page.expect_navigation():
            await self.press("Enter")

    async def type_password(self) -> None:
        """Sign in on the page for it, whose first field has the focus."""
        await expect(self.page.get_by_label("E-mail address")).to_be_focused()
        await self.send(EMAIL, PASSWORD)

    async def tab_to(self, wanted: Locator) -> None:
        """Press Tab until this has the focus; whatever has it on the way is in sight."""
        for _ in range(MOST_STOPS):
            await self.press("Tab")
            focused = self.page.locator(":focus")
            assert await focused.evaluate(IS_SEEN), await focused.evaluate("one => one.outerHTML")
            if await wanted.evaluate("one => one === document.activeElement"):
                return
        raise AssertionError(f"Tab never came to {wanted}")

    async def choose(self, wanted: Locator) -> None:
        """Go to a link or a button, and press it."""
        await self.tab_to(wanted)
        async with self.page.expect_navigation():
            await self.press("Enter")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def hears_what_is_wrong(self, field: Locator) -> None:
        """A code was refused: the field has the focus, is empty, and says so."""
        await expect(self.page.get_by_role("alert")).to_have_text("1 problem: Code")
        await expect(field).to_be_focused()
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(field).to_have_value("")
        assert WRONG in await field.evaluate(READ_OUT)

    async def look(self) -> None:
        """Look at the page as every page is looked at: axe, both themes, narrow windows."""
        seen = Seen(Load())
        await inspect(self.page, seen)
        assert seen.problems == []
        await self.page.set_viewport_size(WINDOW)
        await self.page.emulate_media(color_scheme="light")


def code_of(secret: bytes, *, steps: int = 0) -> str:
    """What an app shows now, or that many half minutes later."""
    return code_at(secret, step_at(SystemClock().now()) + steps)


async def set_up(keys: Keys) -> bytes:
    """Come to the picture; the secret that an app reads from it."""
    page = keys.page
    await page.goto(f"{keys.shown.base}/profile")
    await keys.choose(page.get_by_role("link", name="Set up… second factor"))
    await keys.choose(keys.button("Set up"))

    await expect(page.get_by_role("img", name="QR code for an authenticator app")).to_be_visible()
    await keys.look()
    return base64.b32decode(await page.locator("pre").inner_text())


async def turn_on(keys: Keys, secret: bytes) -> str:
    """Give its first code, after a wrong one; a recovery code."""
    page = keys.page
    field = page.get_by_label("Code of your app")
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("autocomplete", "one-time-code")

    await keys.send("000000")
    await keys.hears_what_is_wrong(field)
    await keys.look()
    await field.focus()
    await keys.send(code_of(secret))

    codes = page.get_by_label("Recovery codes", exact=True)
    await expect(codes).to_be_visible()
    await keys.tab_to(codes)
    await keys.look()
    return (await codes.inner_text()).split()[0]


async def sign_out(keys: Keys) -> None:
    menu = keys.page.locator("details.user")
    await keys.page.reload()
    await keys.tab_to(menu.locator("summary"))
    await keys.press("Enter")
    await keys.choose(keys.button("Sign out"))


async def sign_in_again(keys: Keys, secret: bytes) -> None:
    """Give password and code, after a wrong one."""
    await keys.type_password()
    field = keys.page.get_by_label("Code", exact=True)
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("autocomplete", "one-time-code")
    await keys.look()

    await field.focus()
    await keys.send("000000")
    await keys.hears_what_is_wrong(field)
    await keys.look()
    await field.focus()
    await keys.send(code_of(secret, steps=1))

    await expect(keys.page.locator("details.user")).to_be_visible()


async def turn_off(keys: Keys, recovery: str) -> None:
    page = keys.page
    await page.goto(keys.shown.base + PATH)
    await keys.look()
    await keys.tab_to(page.get_by_label("Password"))
    await keys.send(PASSWORD, "000000")
    await expect(page.get_by_label("Code of your app, or a recovery code")).to_be_focused()
    await keys.press("Shift+Tab")
    await keys.send(PASSWORD, recovery)

    await expect(page.locator("main .done")).to_contain_text("Second factor turned off.")
