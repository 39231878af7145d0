"""The first user, from the link that the first start prints."""

from pathlib import Path

import httpx

from tests.support.patience import PATIENCE
from tests.support.people import PASSWORD
from tests.support.program import Service

ADA = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}


async def test_each_start_prints_a_link_until_there_is_a_user(tmp_path: Path):
    environment = {"RUNHOOK_DATA_DIR": str(tmp_path / "data")}
    async with Service(folder=tmp_path, environment=environment) as service:
        first = (await service.says("/invitations/")).strip()
        assert first.startswith(f"{service.url}/invitations/")
        assert await service.stop() == 0
    public = {**environment, "RUNHOOK_PUBLIC_URL": "https://runhook.example.com"}
    async with Service(folder=tmp_path, environment=public) as service:
        second = (await service.says("/invitations/")).strip()
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as browser:
            replaced = await browser.get(httpx.URL(first).path)
            joined = await browser.post(httpx.URL(second).path, data=ADA)
        assert await service.stop() == 0
    async with Service(folder=tmp_path, environment=environment) as service:
        async with httpx.AsyncClient(base_url=service.url, timeout=PATIENCE) as browser:
            signed_in = await browser.post("/sign-in", data=ADA)
            home = await browser.get("/", follow_redirects=True)
        assert await service.stop() == 0

    assert second.startswith("https://runhook.example.com/invitations/")
    assert replaced.status_code == 404
    assert (joined.status_code, joined.headers["location"]) == (303, "/")
    assert "; Secure" in joined.headers["set-cookie"]
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    assert "; Secure" not in signed_in.headers["set-cookie"]
    assert home.url.path == "/accounts/1/welcome"
    assert "ada@example.com" in home.text
    assert "invitation" not in service.output
