"""No page of anybody else makes a browser change something here: over every route that could."""

import pytest

from runhook.domain.people.permissions import Role
from tests.api.routes import ROUTES
from tests.support.api import Api
from tests.support.world import a_world

CHANGING = [route for route in ROUTES if not route.is_api and route.method != "GET"]
FOREIGN = (
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://runhook.test"},
)


# It is refused before the database is asked for anything but the session, so one kind will do.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_a_foreign_page_sends_is_refused_whatever_form_it_imitates(api: Api):
    world = await a_world(api)
    owner = world.session_client(Role.OWNER)
    owner.headers.pop("Sec-Fetch-Site")
    before = await world.everything()

    answers = {
        (str(route), str(headers)): (
            await owner.post(route.url(1, world.ids), data=dict(route.body), headers=headers)
        ).status_code
        for route in CHANGING
        for headers in FOREIGN
    }

    assert len(CHANGING) >= 20
    assert {name: code for name, code in answers.items() if code != 403} == {}
    assert await world.everything() == before
