"""The step that a command turns out to be, once it has ended.

Loaded after dbt has started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath

from runhook.client.dbt.artifacts import Found, Traces, nothing_found, trace_artifacts
from runhook.client.dbt.calls import all_commands, drops_environment
from runhook.client.dbt.log import brief, within_bytes, words_of_log, wrote_no_log
from runhook.client.dbt.surroundings import Surroundings
from runhook.client.dbt.tag import TAG
from runhook.client.processes.timeouts import has_timed_out
from runhook.client.run.ending import CommandEnding
from runhook.client.run.steps import Step, ended_step, step_name, unavailable
from runhook.client.run.verdict import Verdict, is_dbt, judge_run
from runhook.client.settings import ClientSettings, working_folder
from runhook.client.trouble import trouble_of
from runhook.client.wrapper.lookout import Seen
from runhook.domain.dbt.artifacts import SENTENCE_CHARACTERS, RunResults, short_name, shorten
from runhook.domain.secrets.redaction import Redactor

USAGE_CODES = frozenset({1, 2})
"""With which v2 and Core exit after a wrong command line."""
BEFORE_ITS_LOG = "it wrote nothing to its log, as after a wrong command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A command, and what was seen of it."""

    command: Sequence[str]
    tag: str
    """What its artifacts carry."""
    started_at: datetime
    ending: CommandEnding
    seen: Sequence[Seen]
    """The processes under it."""

    @property
    def life(self) -> tuple[datetime, datetime]:
        """When it began and ended."""
        return self.started_at, self.ending.ended_at


def observed_step(
    observation: Observation, settings: ClientSettings, environ: Mapping[str, str]
) -> Step:
    """The step as it is reported."""
    command, ending = observation.command, observation.ending
    log = ""
    is_silent = False
    try:
        traces = traces_of(observation, environ)
        found = trace_artifacts(traces)
        # v2 writes results of no node, or the same `error` for all, when it fails as a whole.
        has_nodes = found.results is not None and found.results.nodes_known and found.results.total
        if not has_nodes and settings.messages:
            log = words_of_log(traces.calls, observation.life)
        is_silent = found.results is None and wrote_no_log(traces.calls, observation.life)
    except Exception as error:  # noqa: BLE001 - the end is reported even without results
        found = nothing_found(trouble_of(error))
    redact = redactor_for(command, settings, environ, found.results)
    commands = [*all_commands(command), *(one.words for one in observation.seen)]
    ran_for = (ending.ended_at - observation.started_at).total_seconds()
    timed_out = has_timed_out(commands, ran_for)
    verdict = judge_run(ending.of_all(), found.results, command, timed_out=timed_out)
    if verdict.outcome != "errored" or ending.not_started is not None:
        log = ""
    elif not log and is_silent and ending.code in USAGE_CODES and is_dbt(PurePath(command[0]).name):
        log = BEFORE_ITS_LOG
    said = [verdict.message, found.note, log if log == BEFORE_ITS_LOG else brief(redact(log))]
    message = shorten(redact("; ".join(filter(None, said))), SENTENCE_CHARACTERS)
    return ended_step(
        step_name(command, redact),
        replace(verdict, message=message),
        observation.life,
        results=summary_of(found, verdict, ending, redact, with_messages=settings.messages),
        dbt_version=found.dbt_version,
        files=found.files,
        tag=observation.tag,
        error=within_bytes(redact(log)),
    )


def summary_of(
    found: Found, verdict: Verdict, ending: CommandEnding, redact: Redactor, *, with_messages: bool
) -> Mapping[str, object]:
    """Summary of a command's results, or why there are none."""
    if ending.not_started is not None:
        return unavailable("the command was not started")
    if verdict.status == "canceled":
        # dbt v2 writes `error` for every node of a canceled run, Core only some nodes.
        return unavailable("the run was canceled")
    if found.results is None:
        return unavailable(found.why_no_results)
    return found.summary(redact, with_messages=with_messages)


def traces_of(observation: Observation, environ: Mapping[str, str]) -> Traces:
    """Traces that tell the command's artifacts from others'."""
    folder = working_folder(environ)
    seen = observation.seen
    had_no_tag = drops_environment(observation.command) or any(
        one.is_dbt and not one.has_tag for one in seen
    )
    calls = Surroundings(observation.command, environ, folder).calls
    return Traces(
        tag=TAG,
        step=observation.tag,
        calls=[*calls, *(one.call() for one in seen)],
        search=folder,
        life=observation.life if had_no_tag else None,
    )


def redactor_for(
    command: Sequence[str],
    settings: ClientSettings,
    environ: Mapping[str, str],
    results: RunResults | None = None,
) -> Redactor:
    """A redactor with the secrets of a command, including those that only dbt knew."""
    variables = {} if results is None else results.variables
    nodes = () if results is None else results.failed
    chosen = (settings.job, settings.project, settings.environment)
    env_file = Surroundings(command, environ, working_folder(environ)).env_file
    return Redactor(
        {**env_file, **variables, **environ},
        command_lines=[" ".join(command)],
        names=[*filter(None, chosen), *(short_name(node.unique_id) for node in nodes)],
    )
