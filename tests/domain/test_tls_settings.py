"""Certificates and keys of a webhook, as far as their form says whether they can be."""

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.tls import (
    PEM_LIMIT,
    ClientCertificate,
    check_client_certificate,
    check_pem,
)

BEGIN = "-----BEGIN CERTIFICATE-----\n"


def test_pem_may_have_text_before_it_and_a_limited_size():
    longest = ("a comment\n" + BEGIN).ljust(PEM_LIMIT, "x")

    assert check_pem(longest) == longest


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (BEGIN.ljust(PEM_LIMIT + 1, "x"), f"{PEM_LIMIT + 1} bytes are too many; 32 KiB at most"),
        ("", "it is not PEM: text that begins with `-----BEGIN`"),
        ("MIIB", "it is not PEM: text that begins with `-----BEGIN`"),
        (BEGIN + "\0", "it is not PEM: text that begins with `-----BEGIN`"),
        (BEGIN + "\u00fc", "it is not PEM: text that begins with `-----BEGIN`"),
        (BEGIN + "\ud800", "it is not PEM: text that begins with `-----BEGIN`"),
    ],
)
def test_what_is_not_pem_is_refused_without_repeating_it(text, sentence):
    with pytest.raises(InvalidError) as refused:
        check_pem(text)

    assert refused.value.sentence == sentence


def test_size_is_counted_in_bytes():
    with pytest.raises(InvalidError, match=f"{2 * PEM_LIMIT} bytes are too many"):
        check_pem("\u00fc" * PEM_LIMIT)


def test_a_client_certificate_has_a_certificate_and_a_key():
    whole = ClientCertificate(certificate=BEGIN, key=BEGIN)

    assert check_client_certificate(whole) is whole
    for given, field, sentence in [
        (ClientCertificate(key=BEGIN), "certificate", "give the certificate of the key"),
        (ClientCertificate(certificate=BEGIN), "key", "give the key of the certificate"),
    ]:
        with pytest.raises(InvalidError) as refused:
            check_client_certificate(given)
        assert (refused.value.field, refused.value.sentence) == (field, sentence)
