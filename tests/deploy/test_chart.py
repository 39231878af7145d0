"""The Helm chart, rendered by Helm and held against the schemas of Kubernetes."""

import subprocess
from typing import Any

import pytest
import yaml

from runhook.domain.version import VERSION
from runhook.settings import SETTINGS
from tests.docs.documents import REPOSITORY
from tests.support.patience import PATIENCE

CHART = REPOSITORY / "deploy" / "helm" / "runhook"
PODS = {"api", "dispatcher"}
VARIANTS = {
    "as it is": [],
    "on SQLite": ["sqlite.enabled=true"],
    "with dispatchers": ["dispatcher.separate=true", "publicUrl=https://runhook.example.com"],
    "with an ingress": [
        "ingress.enabled=true",
        "ingress.tlsSecretName=tls",
        "image.digest=sha256:0",
    ],
    "with a certificate": ["tlsSecretName=tls", "dispatcher.separate=true"],
    "with all values": [
        *("trustedProxies=10.0.0.0/8", "allowNetworks=10.0.0.0/8", "settings.RUNHOOK_MAX_JOBS=7"),
        *("extraEnv[0].name=HTTPS_PROXY", "extraEnv[0].value=http://proxy:3128"),
        *(
            "networkPolicy.from[0].podSelector.matchLabels.app=ingress",
            "imagePullSecrets[0].name=x",
        ),
        *("networkPolicy.metricsFrom[0].podSelector.matchLabels.app=prometheus",),
        *("nodeSelector.disk=ssd", "tolerations[0].operator=Exists", "podAnnotations.a=b"),
    ],
}
NEWEST, OLDEST = "1.37", "1.25"


def run(*command: str, text: str = "") -> str:
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rendered(*values: str) -> str:
    flags = [
        flag
        for value in values
        for flag in ("--set-string" if ".RUNHOOK" in value else "--set", value)
    ]
    return run("helm", "template", "mine", str(CHART), *flags)


def objects(*values: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(rendered(*values)) if one]


def of_kind(found: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in found if one["kind"] == kind]


def test_helm_finds_nothing_to_say():
    run("helm", "lint", "--strict", str(CHART))


def test_the_chart_is_of_this_version():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert (chart["version"], chart["appVersion"]) == (VERSION, VERSION)


@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_rendered_fits_the_schemas_of_kubernetes(variant, kubernetes):
    run(
        *("kubernetes-validate", "--strict", "--quiet", "-k", kubernetes, "/dev/stdin"),
        text=rendered(*VARIANTS[variant]),
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_pod_is_without_root_and_without_a_root_that_can_be_written(variant):
    for deployment in of_kind(objects(*VARIANTS[variant]), "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        [container] = pod["containers"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variable_of_a_pod_is_a_setting(variant):
    known = {name for setting in SETTINGS for name in setting.variables}

    for deployment in of_kind(objects(*VARIANTS[variant]), "Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        named = {one["name"] for one in pod["containers"][0]["env"]}
        assert {name for name in named if name.startswith("RUNHOOK_")} <= known
        # A Service named runhook would set RUNHOOK_PORT to an address.
        assert pod["enableServiceLinks"] is False


def test_dispatchers_may_be_processes_of_their_own():
    api, dispatcher = of_kind(objects("dispatcher.separate=true"), "Deployment")

    assert api["spec"]["template"]["spec"]["containers"][0]["args"] == ["serve", "--no-dispatcher"]
    assert dispatcher["spec"]["template"]["spec"]["containers"][0]["args"] == ["dispatch"]
    [service] = [
        one
        for one in of_kind(objects("dispatcher.separate=true"), "Service")
        if one["metadata"]["name"] == "mine"
    ]
    labels = api["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert service["spec"]["selector"]["app.kubernetes.io/component"] == "api"


def test_on_sqlite_there_is_one_process_which_ends_before_the_next_begins():
    found = objects("sqlite.enabled=true", "replicas=3", "dispatcher.separate=true")
    [deployment] = of_kind(found, "Deployment")

    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    assert deployment["spec"]["template"]["spec"]["containers"][0]["args"] == ["serve"]
    assert of_kind(found, "PodDisruptionBudget") == []
    [claim] = of_kind(found, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(
    ("values", "scheme"), [([], "HTTP"), (["tlsSecretName=of-the-pods"], "HTTPS")]
)
def test_probes_ask_as_the_service_speaks(values, scheme):
    [deployment] = of_kind(objects(*values), "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    asked = [one for name, one in container.items() if name.endswith("Probe")]

    assert [one["httpGet"]["scheme"] for one in asked] == [scheme] * 3


def test_pods_read_the_certificate_from_its_secret():
    [deployment] = of_kind(objects("tlsSecretName=of-the-pods"), "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    places = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
    [volume] = [one for one in pod["volumes"] if one["name"] == "tls"]

    assert volume["secret"]["secretName"] == "of-the-pods"
    assert variables["RUNHOOK_TLS_CERT"] == f"{places['tls']}/tls.crt"
    assert variables["RUNHOOK_TLS_KEY"] == f"{places['tls']}/tls.key"


def test_prometheus_finds_the_metrics_of_every_process():
    found = objects("metrics.serviceMonitor.enabled=true")
    [monitor] = of_kind(found, "ServiceMonitor")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()

    watched = [
        one for one in of_kind(found, "Service") if wanted <= one["metadata"]["labels"].items()
    ]
    assert [one["metadata"]["name"] for one in watched] == ["mine-metrics"]
    assert [port["name"] for port in watched[0]["spec"]["ports"]] == ["metrics"]
