"""An address is shown whole but for its password, however that was written."""

import pytest

from runhook.domain.secrets.shown_addresses import without_any_password, without_password


@pytest.mark.parametrize(
    ("address", "shown", "bare"),
    [
        (
            "postgresql://ada:hunter2@db:5432/dbt?sslmode=require",
            "postgresql://ada:*****@db:5432/dbt?sslmode=require",
            "postgresql://ada@db:5432/dbt?sslmode=require",
        ),
        ("postgresql://db/dbt", "postgresql://db/dbt", "postgresql://db/dbt"),
        ("postgresql://ada@db/dbt", "postgresql://ada@db/dbt", "postgresql://ada@db/dbt"),
        ("smtp://ada:a@b/c@mail:25", "smtp://ada:*****@mail:25", "smtp://ada@mail:25"),
        ("smtp://ada:a:b@mail", "smtp://ada:*****@mail", "smtp://ada@mail"),
        (
            "postgresql://ada@one:1,two:2/dbt?password=hunter2&sslpassword=x&application_name=y",
            "postgresql://ada@one:1,two:2/dbt?password=*****&sslpassword=*****&application_name=y",
            "postgresql://ada@one:1,two:2/dbt?application_name=y",
        ),
        (
            "postgresql:///dbt?host=/tmp&PASSWORD=a@b",
            "postgresql:///dbt?host=/tmp&PASSWORD=*****",
            "postgresql:///dbt?host=/tmp",
        ),
        ("postgresql://db?password=x", "postgresql://db?password=*****", "postgresql://db"),
        (
            "postgresql://db/dbt?application_name=y&sslpassword=x&password=z",
            "postgresql://db/dbt?application_name=y&sslpassword=*****&password=*****",
            "postgresql://db/dbt?application_name=y",
        ),
        ("postgresql://a@/dbt", "postgresql://a@/dbt", "postgresql://a@/dbt"),
        (
            "postgresql://db/dbt?password=a://b",
            "postgresql://db/dbt?password=*****",
            "postgresql://db/dbt",
        ),
        ("hunter2", "*****", "*****"),
        ("sqlite:///a/b.db", "sqlite:///a/b.db", "sqlite:///a/b.db"),
    ],
)
def test_an_address_keeps_all_but_its_password(address: str, shown: str, bare: str):
    assert without_password(address) == shown
    assert without_any_password(address) == bare
