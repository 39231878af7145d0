"""Addresses of services: their hosts, and the parameters that are added to them."""

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.formats import format_named, suggestion
from runhook.domain.formats.addresses import is_at_host, query_names, with_parameter


@pytest.mark.parametrize(
    ("url", "is_there"),
    [
        ("https://example.com/a", True),
        ("https://hooks.EXAMPLE.com./a", True),
        ("https://notexample.com/a", False),
        ("https://example.com.evil.org/a", False),
        ("https://x/?@example.com", False),
        ("https://[example.com/a", False),
        ("example.com", False),
    ],
)
def test_a_host_is_that_of_a_service_or_below_it(url, is_there):
    assert is_at_host(url, "example.com", "example.net") is is_there


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("https://x.org/?a=1=2&&b&c=?", ["a", "b", "c"]),
        ("https://x.org/?a=1#b=2&c=3?d=4", ["a"]),
        ("https://x.org/#?a=1", []),
        ("https://x.org/a=1", []),
    ],
)
def test_parameters_of_a_query_are_known_by_name(url, names):
    assert query_names(url) == names


@pytest.mark.parametrize(
    ("url", "with_it"),
    [
        ("https://x.org/a", "https://x.org/a?wait=true"),
        ("https://x.org/a?b=1&wait=false&c=2=3", "https://x.org/a?b=1&c=2=3&wait=true"),
        ("https://x.org/a?&wait=1=2&&waits=1", "https://x.org/a?waits=1&wait=true"),
        ("https://x.org/a?b=%20+1?#wait=1", "https://x.org/a?b=%20+1?&wait=true"),
        ("https://x.org/a#b?c", "https://x.org/a?wait=true"),
    ],
)
def test_a_parameter_is_there_once_and_all_else_stays_as_it_is_written(url, with_it):
    assert with_parameter(url, "wait", "true") == with_it


@pytest.mark.parametrize(
    ("name", "instead"), [("Slak", "did you mean `slack`?"), ("teems", "did you mean `teams`?")]
)
def test_an_unknown_format_is_told_with_the_nearest(name, instead):
    with pytest.raises(InvalidError) as refused:
        format_named(name)

    assert refused.value.message == f"`{name}` is unknown; {instead}"


def test_a_name_that_is_near_to_none_is_told_with_all():
    assert suggestion("zzz", ["slack", "teams"]) == "choose from `slack`, `teams`"
