"""Builds the image without a registry of images, and starts what it built.

The base is Debian's smallest root with Python, which debootstrap makes. Where buildah may work, it
builds the image; elsewhere the Containerfile's steps are taken in a plain chroot. All needs root.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.containerfile import Stage, read_stages
from tests.docs.documents import REPOSITORY

CONTAINERFILE = REPOSITORY / "deploy" / "Containerfile"
FOLDER = REPOSITORY / "build" / "image"
BASE = "localhost/runhook-base"
IMAGE = "localhost/runhook"
PYTHON_OF_DEBIAN = "3.11"
WHEELS = "/wheels"
SYSTEM_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
PIP_SETTINGS = f"[global]\nno-index = true\nfind-links = {WHEELS}\n"
"""Pip's configuration during the build, which lets it take only what was fetched before."""


@dataclass(frozen=True)
class Image:
    """A file system, and how a container of it is started."""

    way: str
    """How it was built."""
    root: Path
    user: str
    environ: Mapping[str, str]
    command: Sequence[str]
    healthcheck: Sequence[str]
    megabytes: float
    """Its size, without the base's."""

    def inside(
        self, command: Sequence[str], environ: Mapping[str, str], data: Path
    ) -> Sequence[str]:
        """A command line that runs ``command`` as a container would.

        It is the first process of its own, its root is read-only, and ``data`` is the volume.
        """
        variables = [f"{name}={value}" for name, value in {**self.environ, **environ}.items()]
        volume = self.root / self.environ["RUNHOOK_DATA_DIR"].lstrip("/")
        script = (
            'mount --bind "$0" "$0" && mount --options remount,bind,ro "$0" '
            '&& mount --bind "$1" "$2" && mount -t proc proc "$0/proc" '
            '&& mount --rbind /dev "$0/dev" && shift 2 && exec "$@"'
        )
        return [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            *("sh", "-c", script, str(self.root), str(data), str(volume)),
            *("chroot", f"--userspec={self.user}", str(self.root)),
            *("env", "-i", *variables, *command),
        ]


def build(*, in_chroot: bool = False) -> Image:
    """Build the image from the wheel in `dist`: with buildah, or in a chroot if that fails."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    base, wheels = base_root(), fetched_wheels()
    stages = read_stages(CONTAINERFILE, {"BASE": BASE})
    if not in_chroot and may_build():
        root, way = built_by_buildah(wheels), "buildah"
    else:
        root, way = built_in_chroot(base, wheels, stages), "chroot"
    last = stages[-1]
    return Image(
        way=way,
        root=root,
        user=last.last("USER").text,
        environ=last.environ(),
        command=[*last.last("ENTRYPOINT").words, *last.last("CMD").words],
        healthcheck=json.loads(last.last("HEALTHCHECK").text.partition("CMD ")[2]),
        megabytes=(size_of(root) - size_of(base)) / 1e6,
    )


def base_root() -> Path:
    """Debian's smallest root with Python; made once."""
    root = FOLDER / "base"
    if not root.exists():
        unfinished = FOLDER / "base.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        run(
            *("debootstrap", "--variant=minbase", "--include=python3,python3-venv"),
            *("bookworm", str(unfinished)),
        )
        unfinished.rename(root)
    return root


def fetched_wheels() -> Path:
    """What the service is pinned to, for the Python of the base, and what builds some of it."""
    folder = FOLDER / "wheels"
    download = [str(REPOSITORY / ".venv/bin/pip"), "download", "-qq", "--dest", str(folder)]
    for_base = ["--no-deps", "--python-version", PYTHON_OF_DEBIAN]
    run(*download, *for_base, "--require-hashes", "--requirement", "requirements/server.txt")
    run(*download, "setuptools", "wheel")
    return folder


def may_build() -> bool:
    """Whether buildah is here, and can make an image of the base in which programs run."""
    try:
        commit_base()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def commit_base() -> None:
    """Make an image of the base, and run a program in it.

    Raises:
        OSError: there is no buildah.
        CalledProcessError: it may not do here what it needs to.
    """
    shutil.rmtree(FOLDER / "storage", ignore_errors=True)
    container = buildah("from", "scratch")
    buildah("copy", "--quiet", container, str(base_root()), "/")
    buildah("run", container, "--", "true")
    buildah("commit", "--quiet", "--rm", container, BASE)


def built_by_buildah(wheels: Path) -> Path:
    """Build the image with buildah on ``BASE``; return where its file system is mounted."""
    settings = FOLDER / "pip.conf"
    settings.write_text(PIP_SETTINGS)
    buildah(
        *("build", "--quiet", "--format", "docker", "--build-arg", f"BASE={BASE}", "--tag", IMAGE),
        *("--secret", f"id=pip,src={settings}", "--volume", f"{wheels}:{WHEELS}:ro"),
        *("--file", str(CONTAINERFILE), "--ignorefile", str(REPOSITORY / ".dockerignore")),
        str(REPOSITORY),
    )
    return Path(buildah("mount", buildah("from", IMAGE)))


def buildah(*arguments: str) -> str:
    """Run buildah, which needs neither a daemon nor a file system of layers; return its answer.

    Files are copied from layer to layer, so that nothing stays mounted.
    """
    storage = [
        "--storage-driver",
        "vfs",
        "--root",
        f"{FOLDER}/storage",
        "--runroot",
        f"{FOLDER}/run",
    ]
    return run("buildah", *storage, *arguments, BUILDAH_ISOLATION="chroot")


def built_in_chroot(base: Path, wheels: Path, stages: Sequence[Stage]) -> Path:
    """Take a Containerfile's steps in a root of its own for each stage; return the last one.

    Raises:
        ValueError: there is an instruction that no one has taught this.
    """
    roots: dict[str, Path] = {}
    for number, stage in enumerate(stages):
        root = FOLDER / f"stage-{number}"
        shutil.rmtree(root, ignore_errors=True)
        run("cp", "--archive", str(base), str(root))
        roots[stage.name] = root
        for step in stage.instructions:
            match step.name:
                case "COPY":
                    source = roots[step.flags["from"]] if "from" in step.flags else REPOSITORY
                    copy(source, root, step.words)
                case "RUN":
                    with pip_settings(root, wheels):
                        run("env", "-i", SYSTEM_PATH, "chroot", str(root), "sh", "-c", step.text)
                case "CMD" | "ENTRYPOINT" | "ENV" | "EXPOSE" | "HEALTHCHECK" | "STOPSIGNAL":
                    pass
                case "USER" | "VOLUME" | "WORKDIR":
                    pass
                case unknown:
                    raise ValueError(f"there is no step {unknown} in a chroot")
    return root


def copy(source: Path, root: Path, words: Sequence[str]) -> None:
    """Take the step COPY: what a folder or a file of ``source`` holds, to a place in ``root``."""
    *patterns, target = words
    place = root / target.lstrip("/")
    for pattern in patterns:
        for found in source.glob(pattern.lstrip("/")):
            to = place / found.name if target.endswith("/") else place
            to.parent.mkdir(parents=True, exist_ok=True)
            run("cp", "--archive", "--no-target-directory", str(found), str(to))


@contextmanager
def pip_settings(root: Path, wheels: Path) -> Iterator[None]:
    """Lend a root the wheels, and pip's configuration, for one step."""
    settings, lent = root / "etc/pip.conf", root / WHEELS.lstrip("/")
    settings.write_text(PIP_SETTINGS)
    shutil.copytree(wheels, lent)
    yield
    settings.unlink()
    shutil.rmtree(lent)


def size_of(root: Path) -> int:
    """How many bytes the files of a root have."""
    return int(run("du", "--summarize", "--bytes", "--one-file-system", str(root)).split()[0])


def run(*command: str, **variables: str) -> str:
    """Run a program in the repository; return what it prints, which is shown if it fails."""
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", flush=True)
        done.check_returncode()
    return done.stdout.strip()
