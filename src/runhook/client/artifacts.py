"""Find what dbt has written in this very step, and read it.

Our tag in a file says which step wrote it. A dbt that did not get our
environment (`env -i`, a container) writes none: its file counts if we know that there was such a
dbt, the file is where it works, and it was made while the command ran.
"""

import mmap
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runhook.client.surroundings import DbtCall, folders_below
from runhook.domain.artifacts import RunResults, UnreadableError, read_results, version_and_step

LARGEST_RESULTS = 512 << 20
"""Reading more than that would take more time than there is."""
LARGEST_ATTACHED = 64 << 20
HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 18
RESULTS = ("run_results.json", "sources.json")
"""`dbt source freshness` writes the second."""
WRITTEN = re.compile(r"Wrote artifact \S+ to (/[^\n]*?)/(?:run_results|sources)\.json")
"""As dbt Core notes it in its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The artifacts of one step."""

    results: RunResults | None
    why_no_results: str
    manifest_version: str | None
    """The dbt version in this step's manifest; None if it wrote none."""
    files: tuple[Path, ...]
    """Those that carry our tag."""
    note: str = ""
    """Which of several results were taken, for people."""

    @property
    def dbt_version(self) -> str:
        """The version that ran; empty if nothing says so."""
        if self.results is not None:
            return self.results.dbt_version
        return self.manifest_version or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What is known of a step, to tell its files from others'."""

    tag: str
    """The key of our tag."""
    step: str
    """Its value."""
    calls: Sequence[DbtCall] = ()
    """Where dbt was called, as far as we know."""
    search: Path | None = None
    """Where to look for tagged files besides."""
    life: tuple[datetime, datetime] | None = None
    """When the command ran, if its dbt had no tag to write."""


def find_artifacts(folder: Path, tag: str, step: str) -> Found:
    """Find the artifacts in ``folder`` whose metadata has ``step`` under ``tag``."""
    return look_for(Traces(tag=tag, step=step), [folder])


def trace_artifacts(traces: Traces) -> Found:
    """Find the artifacts of a step in any folder its dbt may have written to."""
    found = look_for(traces, [call.target_folder() for call in traces.calls])
    if found.results is None:
        found = look_for(traces, places_of(traces.calls), found)
    if found.results is None and traces.search is not None:
        found = look_for(replace(traces, life=None), folders_with_artifacts(traces.search), found)
    return found


def places_of(calls: Iterable[DbtCall]) -> Iterator[Path]:
    """Yield where projects have artifacts that no command line shows, such as a path of Jinja."""
    projects = {call.project_folder: call for call in calls if call.project_name()}
    for folder, call in projects.items():
        yield from map(Path, WRITTEN.findall(tail_of(call.log_file())))
        yield from folders_with_artifacts(folder)


def folders_with_artifacts(top: Path) -> Iterator[Path]:
    """Yield the folders below one in which dbt has written."""
    for folder, files in folders_below(top):
        if not {*RESULTS, "manifest.json"}.isdisjoint(files):
            yield folder


def look_for(traces: Traces, folders: Iterable[Path], before: Found | None = None) -> Found:
    """Search folders for a step's artifacts; fall back to ``before``."""
    nothing = nothing_found("dbt wrote none")
    found: dict[Path, Found] = {}
    fallback = before or nothing
    for folder in folders:
        place = folder.resolve()
        if place in found:
            continue
        one = look_into(folder, traces)
        if one.results is not None:
            found[place] = one
        elif fallback.why_no_results == nothing.why_no_results or one.manifest_version:
            fallback = one
    if not found:
        return fallback
    place, latest = max(found.items(), key=lambda item: generated_at(item[1]))
    if len(found) == 1:
        return latest
    return replace(latest, note=f"results of {place}, the last of {len(found)} that were written")


def nothing_found(why: str) -> Found:
    """A search that found nothing, and why."""
    return Found(results=None, why_no_results=why, manifest_version=None, files=())


def generated_at(found: Found) -> float:
    """When results were generated, in seconds since 1970; 0 if unknown."""
    assert found.results is not None
    made = found.results.generated_at
    return 0.0 if made is None else made.timestamp()


def look_into(folder: Path, traces: Traces) -> Found:
    """Search one folder for a step's artifacts."""
    results, reason = None, "dbt wrote none"
    files = []
    for path in (folder / name for name in RESULTS):
        try:
            read = read_if_ours(path, traces)
        except FileNotFoundError:
            continue
        except UnreadableError as error:
            reason = f"{path.name} cannot be read: {error}"
        except (OSError, MemoryError, ValueError) as error:
            reason = f"{path.name} cannot be read: {type(error).__name__}"
        else:
            if read is not None:
                results = read
                if read.step is not None:
                    files.append(path)
                break
    manifest = folder / "manifest.json"
    version = version_in(manifest, traces.tag, traces.step)
    if version is not None:
        files.append(manifest)
    return Found(
        results=results, why_no_results=reason, manifest_version=version, files=tuple(files)
    )


def read_if_ours(path: Path, traces: Traces) -> RunResults | None:
    """Read a results file if this step wrote it.

    Raises:
        OSError, UnreadableError: it cannot be read.
    """
    with path.open("rb") as file:
        _, written_by = version_and_step(file.read(HEAD_BYTES), traces.tag)
    if written_by not in {None, traces.step}:
        return None
    results = read_results_file(path, traces.tag)
    if results.step is not None:
        return results if results.step == traces.step else None
    if traces.life is None or results.generated_at is None:
        return None
    began, ended = traces.life
    has_begun_before = (results.invocation_started_at or began) < began
    is_in_life = began <= results.generated_at <= ended and not has_begun_before
    return results if is_in_life else None


def read_results_file(path: Path, tag: str) -> RunResults:
    """Read a file of results, whose size is no matter of memory.

    Raises:
        OSError, UnreadableError: it cannot be read.
    """
    size = path.stat().st_size
    if size > LARGEST_RESULTS:
        raise UnreadableError(
            f"it has {size >> 20} MiB, and at most {LARGEST_RESULTS >> 20} MiB are read"
        )
    if size == 0:
        raise UnreadableError("it is empty")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return read_results(content, tag)


def tail_of(path: Path) -> str:
    """Read the end of a log; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read(TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""


def version_in(manifest: Path, tag: str, step: str) -> str | None:
    """The dbt version that a manifest names, if this step wrote it."""
    try:
        with manifest.open("rb") as file:
            version, written_by = version_and_step(file.read(HEAD_BYTES), tag)
    except OSError:
        return None
    return version if written_by == step else None
