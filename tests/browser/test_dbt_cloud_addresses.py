"""Addresses that name a page behind a `#`, as dbt Cloud's oldest do, lead to it in a browser."""

import re

import pytest
from examples.demo_service import EMAIL, PASSWORD, Demo
from playwright.async_api import Page, expect

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_address_behind_a_hash_leads_to_its_run_by_way_of_signing_in(
    strangers_page: Page, shown: Demo
):
    page = strangers_page

    await page.goto(f"{shown.base}/#/accounts/1/projects/1/runs/1/")
    await expect(page).to_have_url(re.compile(r"/sign-in\?following=/accounts/1/runs/1$"))
    await page.fill("#email", EMAIL)
    await page.fill("#password", PASSWORD)
    await page.click("main button")

    await expect(page).to_have_url(re.compile(r"/accounts/1/runs/1$"))
