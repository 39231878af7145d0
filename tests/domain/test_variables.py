"""Variables that begin with RUNHOOK_ and are none of ours."""

import pytest

from runhook.domain.service.variables import links_in, remarks_on, without_links

OF_KUBERNETES = {
    "RUNHOOK_SERVICE_HOST": "10.0.0.1",
    "RUNHOOK_SERVICE_PORT": "8580",
    "RUNHOOK_SERVICE_PORT_HTTP": "8580",
    "RUNHOOK_PORT": "tcp://10.0.0.1:8580",
    "RUNHOOK_PORT_8580_TCP": "tcp://10.0.0.1:8580",
    "RUNHOOK_PORT_8580_TCP_PROTO": "tcp",
    "RUNHOOK_PORT_8580_TCP_PORT": "8580",
    "RUNHOOK_PORT_8580_TCP_ADDR": "10.0.0.1",
}
"""Those of a service named `runhook`."""
OF_DOCKER = {
    "RUNHOOK_NAME": "/shop/runhook",
    "RUNHOOK_PORT": "tcp://172.17.0.2:8580",
    "RUNHOOK_ENV_LANG": "C.UTF-8",
}
OURS = {"RUNHOOK_HOST": "::", "RUNHOOK_ENVIRONMENT": "prod", "RUNHOOK_METRICS_PORT": "9000"}
KNOWN = ["RUNHOOK_HOST", "RUNHOOK_PORT", "RUNHOOK_TOKEN", "RUNHOOK_SPOOL_DIR", *OURS]


@pytest.mark.parametrize("links", [OF_KUBERNETES, OF_DOCKER])
def test_links_to_a_service_are_told_from_settings(links: dict[str, str]):
    environ = {"PATH": "/bin", **links, **OURS}

    assert links_in(environ) == sorted(links)
    assert without_links(environ) == {"PATH": "/bin", **OURS}


@pytest.mark.parametrize(
    "value",
    ["tcp://10.0.0.1:9000", "udp://[fd00::1]:53", "sctp://10.0.0.1:1", "tcp://10.0.0.1:1\n"],
)
def test_links_to_a_service_of_a_longer_name_are_too(value: str):
    assert links_in({"RUNHOOK_METRICS_PORT": value, "RUNHOOK_PORT": "8580"}) == [
        "RUNHOOK_METRICS_PORT"
    ]


@pytest.mark.parametrize("value", ["8580", "tcp://", "tcp://host", "http://host:1", ""])
def test_other_values_are_settings(value: str):
    assert links_in({"RUNHOOK_PORT": value, "RUNHOOK_SERVICE_HOST": "10.0.0.1"}) == []


def test_a_link_is_remarked_on_where_it_stands_in_a_settings_place():
    assert remarks_on({**OF_KUBERNETES, **OURS}, KNOWN) == [
        "RUNHOOK_PORT is ignored: Kubernetes sets it for a service of that name"
    ]


@pytest.mark.parametrize(
    ("name", "remark"),
    [
        (
            "RUNHOOK_TOKNE",
            "RUNHOOK_TOKNE is not a variable of Runhook; did you mean RUNHOOK_TOKEN?",
        ),
        (
            "RUNHOOK_SPOOLDIR",
            "RUNHOOK_SPOOLDIR is not a variable of Runhook; did you mean RUNHOOK_SPOOL_DIR?",
        ),
        ("RUNHOOK_ZZZ", "RUNHOOK_ZZZ is not a variable of Runhook"),
    ],
)
def test_an_unknown_variable_is_remarked_on_with_the_nearest_name(name: str, remark: str):
    assert remarks_on({name: "secret", "PATH": "/bin", **OURS}, KNOWN) == [remark]
