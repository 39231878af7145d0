"""Find what dbt has written in this very step, and read it.

Our tag in a file says which step wrote it. A dbt that did not get our
environment (`env -i`, a container) writes none: its file counts if we know that there was such a
dbt, the file is where it works, and it was made while the command ran. Then the manifest beside it
counts if it is of the same invocation.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from runhook.client.dbt.surroundings import DbtCall, folders_below
from runhook.domain.dbt.artifacts import (
    NAMED_NODES,
    RunResults,
    UnreadableError,
    project_and_invocation,
    read_results,
    summarise,
    version_and_step,
)
from runhook.domain.dbt.node_facts import NodeFacts

LARGEST_RESULTS = 512 << 20
"""Larger files take too long to read before the end is reported."""
LARGEST_MANIFEST = 1 << 30
"""Larger files take too long to search."""
LARGEST_ATTACHED = 64 << 20
HEAD_BYTES = 1 << 16
TAIL_BYTES = 1 << 18
RESULTS = ("run_results.json", "sources.json")
"""`dbt source freshness` writes the second."""
MANIFEST = "manifest.json"
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
    manifest: Path | None = None
    """The one beside the results, if this step wrote it, or the dbt that wrote the results did."""
    note: str = ""
    """Which of several results were taken, for people."""

    @property
    def dbt_version(self) -> str:
        """The version that ran; empty if nothing says so."""
        if self.results is not None:
            return self.results.dbt_version
        return self.manifest_version or ""

    def summary(self, redact: Callable[[str], str], *, with_messages: bool) -> dict[str, object]:
        """What is reported of the results, which there must be."""
        assert self.results is not None
        facts = owners_of_nodes(self.results, self.manifest, redact)
        return summarise(self.results, redact, with_messages=with_messages, facts=facts)


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
        if not {*RESULTS, MANIFEST}.isdisjoint(files):
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
                files.append(path)
                break
    manifest = folder / MANIFEST
    head = read_head(manifest)
    version, written_by = version_and_step(head, traces.tag)
    is_ours = written_by == traces.step
    if results is not None and invocation_in(head) and results.invocation_id:
        # After partial parsing a manifest may carry the tag of the command that parsed it first.
        is_ours = is_of_invocation(head, results)
    if is_ours:
        files.append(manifest)
    return Found(
        results=results,
        why_no_results=reason,
        manifest_version=version if is_ours else None,
        files=tuple(files),
        manifest=manifest if is_ours else None,
    )


def invocation_in(head: bytes) -> str:
    """Id of the invocation that wrote an artifact; empty if it does not say."""
    return project_and_invocation(head)[1]


def is_of_invocation(head: bytes, results: RunResults) -> bool:
    """Whether a manifest that begins so was written by the dbt that wrote these results."""
    invocation = invocation_in(head)
    return bool(invocation) and invocation == results.invocation_id


def owners_of_nodes(
    results: RunResults, manifest: Path | None, redact: Callable[[str], str]
) -> Mapping[str, NodeFacts]:
    """Look up the owners of the nodes that failed or warned, by unique_id, as far as possible.

    A manifest that cannot be read gives none, so that the results are reported all the same.
    """
    unique_ids = [one.unique_id for one in (*results.failed, *results.warned)]
    if manifest is None or not unique_ids or not results.nodes_known:
        return {}
    from runhook.domain.dbt.manifests import facts_in  # noqa: PLC0415 - few runs have failed

    try:
        if manifest.stat().st_size > LARGEST_MANIFEST:
            return {}
        with manifest.open("rb") as file:
            return facts_in(file, unique_ids[:NAMED_NODES], redact)
    except Exception:  # noqa: BLE001 - a manifest may be anything, and the results are told
        return {}


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
    with path.open("rb") as file:
        return read_results(file, tag)


def tail_of(path: Path) -> str:
    """Read the end of a log; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read(TAIL_BYTES).decode(errors="replace")
    except OSError:
        return ""


def read_head(path: Path) -> bytes:
    """Read a file's first bytes; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""
