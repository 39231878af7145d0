"""What a provider's discovery document has to say, and what it may leave out."""

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.people.providers import Metadata, check_issuer, read_metadata, with_query

ISSUER = "https://login.example.com"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}


def test_a_document_says_where_people_sign_in_and_how():
    optional = {
        "userinfo_endpoint": f"{ISSUER}/me",
        "end_session_endpoint": f"{ISSUER}/leave",
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
    }

    assert read_metadata(DOCUMENT | optional, ISSUER) == Metadata(
        authorization_endpoint=f"{ISSUER}/authorize",
        token_endpoint=f"{ISSUER}/token",
        jwks_uri=f"{ISSUER}/keys",
        userinfo_endpoint=f"{ISSUER}/me",
        end_session_endpoint=f"{ISSUER}/leave",
        names_itself=True,
        takes_secret_in_body=True,
    )


def test_what_a_document_leaves_out_the_provider_does_not_offer():
    found = read_metadata(DOCUMENT, ISSUER)

    assert (found.userinfo_endpoint, found.end_session_endpoint) == (None, None)
    assert (found.names_itself, found.takes_secret_in_body) == (False, False)


@pytest.mark.parametrize(
    ("methods", "in_body"),
    [
        (["client_secret_post"], True),
        (["client_secret_post", "client_secret_basic"], False),
        (["client_secret_basic"], False),
        (["private_key_jwt"], False),
        ("client_secret_post", False),
        (None, False),
    ],
)
def test_a_secret_is_sent_in_the_body_only_where_nothing_else_is_taken(methods, in_body):
    document = DOCUMENT | {"token_endpoint_auth_methods_supported": methods}

    assert read_metadata(document, ISSUER).takes_secret_in_body is in_body


@pytest.mark.parametrize("issuer", ["https://mallory.example", f"{ISSUER}/", None])
def test_a_document_of_another_issuer_is_refused(issuer):
    with pytest.raises(InvalidError) as refused:
        read_metadata(DOCUMENT | {"issuer": issuer}, ISSUER)

    assert repr(issuer) in refused.value.message
    assert ISSUER in refused.value.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization_endpoint", None),
        ("token_endpoint", [f"{ISSUER}/token"]),
        ("jwks_uri", 7),
        ("userinfo_endpoint", 7),
        ("end_session_endpoint", ""),
    ],
)
def test_an_endpoint_is_an_address(name, value):
    with pytest.raises(InvalidError, match=f"`{name}`" if value != "" else None):
        read_metadata(DOCUMENT | {name: value}, ISSUER)


@pytest.mark.parametrize("name", [*list(DOCUMENT)[1:], "userinfo_endpoint"])
def test_no_endpoint_is_asked_in_clear(name):
    url = "http://x.org/leave"

    with pytest.raises(InvalidError) as refused:
        read_metadata(DOCUMENT | {name: url}, ISSUER)
    assert refused.value.message.startswith(f"`{url}` is not https: ")


@pytest.mark.parametrize("text", [f"{ISSUER}?tenant=1", f"{ISSUER}#tenant"])
def test_an_issuer_has_no_query_and_no_fragment(text):
    with pytest.raises(InvalidError) as refused:
        check_issuer(text)

    assert refused.value.message.startswith(f"`{text}` has a query or a fragment")


def test_a_query_is_added_to_an_address_that_may_have_one():
    assert with_query(f"{ISSUER}/a", {"b": "c d", "e": "&"}) == f"{ISSUER}/a?b=c+d&e=%26"
    assert with_query(f"{ISSUER}/a?f=g", {"b": "c"}) == f"{ISSUER}/a?f=g&b=c"
