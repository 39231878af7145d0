"""What an image must be, read off its Containerfile; `make image-check` builds and starts it."""

import re

from tests.deploy.containerfile import read_stages
from tests.deploy.image import CONTAINERFILE

STAGES = read_stages(CONTAINERFILE)
INSTRUCTIONS = [one for stage in STAGES for one in stage.instructions]
LAST = STAGES[-1]


def test_the_base_is_fixed_by_its_digest_and_can_be_replaced():
    assert all(re.search(r"@sha256:[0-9a-f]{64}$", stage.base) for stage in STAGES)
    assert {stage.base for stage in read_stages(CONTAINERFILE, {"BASE": "mine"})} == {"mine"}


def test_the_service_runs_as_a_user_that_is_a_number():
    """Kubernetes cannot tell whether a name is root's."""
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", LAST.last("USER").text)


def test_the_service_is_the_first_process_and_ends_by_sigterm():
    assert LAST.last("ENTRYPOINT").words == ["runhook"]
    assert LAST.last("CMD").words == ["serve"]
    assert LAST.last("STOPSIGNAL").text == "SIGTERM"
    assert LAST.last("HEALTHCHECK").text.partition("CMD ")[2].startswith("[")


def test_what_is_installed_is_fixed_by_hashes_and_leaves_no_installer_behind():
    [installing] = [one.text for one in INSTRUCTIONS if one.name == "RUN" and "pip" in one.text]

    assert "--require-hashes -r /build/server.txt" in installing
    assert "--no-index /build/runhook-*.whl" in installing
    assert "pip uninstall --quiet --yes pip" in installing


def test_nothing_is_fetched_but_by_pip_and_no_secret_stays():
    assert {one.name for one in INSTRUCTIONS} & {"ADD", "ARG"} == set()
    assert [one.text for one in INSTRUCTIONS if re.search(r"\b(curl|wget|apt)", one.text)] == []
