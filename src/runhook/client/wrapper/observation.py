"""The step that a command turns out to be, once it has ended.

Loaded after dbt has started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runhook.client.dbt.artifacts import Found, Traces, nothing_found, trace_artifacts
from runhook.client.dbt.calls import all_commands, dbt_calls, drops_environment
from runhook.client.dbt.command_lines import shown_command
from runhook.client.dbt.log import brief, within_bytes, words_of_log, wrote_no_log
from runhook.client.dbt.printed import error_in_print
from runhook.client.dbt.surroundings import Surroundings, flag_value
from runhook.client.dbt.tag import TAG
from runhook.client.processes.timeouts import has_timed_out
from runhook.client.run.ending import CommandEnding
from runhook.client.run.steps import Step, ended_step, step_name, unavailable
from runhook.client.run.verdict import Verdict, judge_run
from runhook.client.settings import ClientSettings, working_folder
from runhook.client.trouble import trouble_of
from runhook.client.wrapper.lookout import Seen
from runhook.client.wrapper.streams import FileMark, texts_since
from runhook.domain.dbt.artifacts import SENTENCE_CHARACTERS, RunResults, short_name, shorten
from runhook.domain.secrets.redaction import Redactor

USAGE_CODES = frozenset({1, 2})
"""With which v2 and Core exit after a wrong command line."""
IN_LOG = "dbt's log says"
IN_FILE = "its output says"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a command failed, as far as dbt says it; with secrets."""

    source: str = ""
    """What dbt wrote them to: its log or its output."""
    words: str = ""
    """Empty if there are none."""
    call: Sequence[str] = ()
    """The dbt command that ended before it wrote a log and left no words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A command, and what was seen of it."""

    command: Sequence[str]
    tag: str
    """Tag by which its artifacts are recognised."""
    started_at: datetime
    ending: CommandEnding
    seen: Sequence[Seen]
    """The processes under it."""
    files: Sequence[FileMark] = ()
    """Where its output stands, if that went to files."""

    @property
    def life(self) -> tuple[datetime, datetime]:
        """When it began and ended."""
        return self.started_at, self.ending.ended_at


def observed_step(
    observation: Observation, settings: ClientSettings, environ: Mapping[str, str]
) -> Step:
    """The step as it is reported."""
    command, ending = observation.command, observation.ending
    reason = Reason()
    try:
        traces = traces_of(observation, environ)
        found = trace_artifacts(traces)
        # v2 writes results of no node, or the same `error` for all, when it fails as a whole.
        if found.results is None or not found.results.nodes_known or not found.results.total:
            reason = stated_reason(observation, traces, has_results=found.results is not None)
    except Exception as error:  # noqa: BLE001 - the end is reported even without results
        found = nothing_found(trouble_of(error))
    redact = redactor_for(command, settings, environ, found.results)
    commands = [*all_commands(command), *(one.words for one in observation.seen)]
    ran_for = (ending.ended_at - observation.started_at).total_seconds()
    timed_out = has_timed_out(commands, ran_for)
    verdict = judge_run(ending.of_all(), found.results, command, timed_out=timed_out)
    if verdict.outcome != "errored" or ending.not_started is not None:
        reason = Reason()
    elif not settings.messages:
        reason = replace(reason, words="")
    said = [verdict.message, found.note, reason_in_words(reason, redact)]
    message = shorten(redact("; ".join(filter(None, said))), SENTENCE_CHARACTERS)
    return ended_step(
        step_name(command, redact),
        replace(verdict, message=message),
        observation.life,
        results=summary_of(found, verdict, ending, redact, with_messages=settings.messages),
        dbt_version=found.dbt_version,
        files=found.files,
        tag=observation.tag,
        error=within_bytes(redact(reason.words)),
    )


def stated_reason(observation: Observation, traces: Traces, *, has_results: bool) -> Reason:
    """What dbt says of a command that failed as a whole, in its log or else in a file."""
    if words := words_of_log(traces.calls, observation.life):
        return Reason(IN_LOG, words)
    if has_results or observation.ending.code not in USAGE_CODES:
        return Reason()
    calls = dbt_calls(observation.command)
    if calls or any(one.is_dbt for one in observation.seen):
        variables = [flag_value(one.words, ["--vars", "--args"]) for one in traces.calls]
        for text in texts_since(observation.files):
            if words := error_in_print(text, filter(None, variables)):
                return Reason(IN_FILE, words)
    is_here = len(calls) == 1 and not drops_environment(observation.command)
    if is_here and wrote_no_log(traces.calls, observation.life):
        return Reason(call=["dbt", *calls[0].words])
    return Reason()


def reason_in_words(reason: Reason, redact: Redactor) -> str:
    """The reason for a sentence, without secrets; empty if there is none."""
    if reason.call:
        return (
            "dbt wrote nothing to its log, as after a wrong command line: "
            f"{shown_command(reason.call, redact)}"
        )
    return brief(redact(reason.words), reason.source)


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
