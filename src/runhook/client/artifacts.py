"""Find what dbt has written in this very step, and read it."""

from dataclasses import dataclass
from pathlib import Path

from runhook.domain.artifacts import RunResults, UnreadableError, read_results, version_and_step

LARGEST_ARTIFACT = 64 << 20
"""Reading more than that would take more time than there is."""
HEAD_BYTES = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The artifacts of one step."""

    results: RunResults | None
    why_no_results: str
    manifest_version: str | None
    """The dbt version in this step's manifest; None if it wrote none."""
    files: tuple[Path, ...]

    @property
    def dbt_version(self) -> str:
        """The version that ran; empty if nothing says so."""
        if self.results is not None:
            return self.results.dbt_version
        return self.manifest_version or ""


def find_artifacts(folder: Path, tag: str, step: str) -> Found:
    """Return the artifacts in ``folder`` whose metadata has ``step`` under ``tag``.

    Other files are of another run, or of the one before.
    """
    results, reason = None, "dbt wrote none"
    files = []
    # `dbt source freshness` writes the second.
    for path in (folder / "run_results.json", folder / "sources.json"):
        try:
            if path.stat().st_size > LARGEST_ARTIFACT:
                reason = f"{path.name} is too large to read"
                break
            read = read_results(path.read_bytes(), tag)
        except FileNotFoundError:
            continue
        except UnreadableError as error:
            reason = f"{path.name} cannot be read: {error}"
        except (OSError, MemoryError) as error:
            reason = f"{path.name} cannot be read: {type(error).__name__}"
        else:
            if read.step == step:
                results = read
                files.append(path)
                break
    manifest = folder / "manifest.json"
    version = version_in(manifest, tag, step)
    if version is not None:
        files.append(manifest)
    return Found(
        results=results, why_no_results=reason, manifest_version=version, files=tuple(files)
    )


def version_in(manifest: Path, tag: str, step: str) -> str | None:
    """Return the dbt version that a manifest names, if this step wrote it."""
    try:
        with manifest.open("rb") as file:
            version, written_by = version_and_step(file.read(HEAD_BYTES), tag)
    except OSError:
        return None
    return version if written_by == step else None
