"""Take the generated parts off names, so that each run of a job has the job's name.

Kubernetes and what stands on it name a pod after what has made it, and add something random or a
time. What people call random differs: five characters of 27, eight of 36, a hash, ten digits.
"""

import json
import re
from collections.abc import Mapping

RANDOM = "[bcdfghjklmnpqrstvwxz2456789]{5}"
"""Kubernetes' characters, without vowels and what looks like them: no word is made of these."""
HASH = r"(?:(?=[a-f]*[0-9])[0-9a-f]{8,10}|[4-9bcdf]{6,10})"
EIGHT = r"(?:(?=[a-z0-9]*[0-9])(?=[a-z0-9]*[a-z])[a-z0-9]{8}|[^aeiou\W\d]*[aeiou]?[^aeiou\W\d]*)"
POD_OF_CRON_JOB = re.compile(r"(.+)-\d{8,10}(?:-\d{1,5})?-[a-z0-9]{5}")
"""Named after the minute it was due."""
PODS = (
    POD_OF_CRON_JOB,
    re.compile(rf"(.+)-{HASH}-[a-z0-9]{{5}}"),  # a Deployment's
    re.compile(rf"(.+?)-{RANDOM}(?:-(.+))?-pod"),  # Tekton's
    re.compile(r"(.+)-pod"),
    re.compile(rf"(.+)-{RANDOM}"),  # a Job's
    re.compile(r"(.+)[-.][0-9a-f]{32}"),  # Airflow's KubernetesPodOperator, before 2.8
    re.compile(rf"(.+)-(?=[a-z0-9]{{8}}$){EIGHT}"),  # and since
    re.compile(r"(.+)-\d{1,3}"),  # a StatefulSet's, or one of an indexed Job
)
WORKFLOWS = (re.compile(r"(.+)-\d{10}"), re.compile(rf"(.+)-{RANDOM}"))
"""Argo's, of a CronWorkflow and by generateName."""
JOB_OF_CRON_JOB = re.compile(r"(.+)-\d{8,10}")
LABEL = re.compile(r'([\w./-]+)="((?:[^"\\]|\\.)*)"')
LONGEST_LEG = 100


def job_of_pod(environ: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Job name of a pod."""
    if labels.get("dag_id") and labels.get("task_id"):
        return f"{labels['dag_id']}.{labels['task_id']}"
    for names in (("tekton.dev/pipeline", "tekton.dev/pipelineTask"), ("tekton.dev/task",)):
        if found := [labels[name] for name in names if labels.get(name)]:
            return " / ".join(found)
    if job := labels.get("batch.kubernetes.io/job-name") or labels.get("job-name"):
        of_cron_job = JOB_OF_CRON_JOB.fullmatch(job)
        return of_cron_job[1] if of_cron_job else job
    pod = pod_of(environ)
    index = environ.get("JOB_COMPLETION_INDEX", "").strip()
    if index and pod.endswith(f"-{index}"):
        pod = pod.removesuffix(f"-{index}")
        of_cron_job = JOB_OF_CRON_JOB.fullmatch(pod)
        return of_cron_job[1] if of_cron_job else pod
    return without_ending(pod, PODS)


def is_of_cron_job(environ: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a CronJob has made the pod."""
    job = labels.get("batch.kubernetes.io/job-name") or labels.get("job-name") or ""
    is_pod = POD_OF_CRON_JOB.fullmatch(pod_of(environ)) is not None
    return is_pod or JOB_OF_CRON_JOB.fullmatch(job) is not None


def pod_of(environ: Mapping[str, str]) -> str:
    """Name of the pod; HOSTNAME is the node's if the pod uses its network."""
    return (environ.get("POD_NAME") or environ.get("HOSTNAME") or "").strip()


def argo_workflow(environ: Mapping[str, str]) -> str:
    """Name of a workflow; a node's id is the workflow's name and a number."""
    node = environ.get("ARGO_NODE_ID", "").strip()
    of_workflow = re.fullmatch(r"(.+)-\d{6,10}", node)
    name = environ.get("ARGO_WORKFLOW_NAME", "").strip()
    return without_ending(name or (of_workflow[1] if of_workflow else ""), WORKFLOWS)


def nomad_job(environ: Mapping[str, str]) -> str:
    """Name of a job whose runs are called like `nightly/periodic-1719878400`."""
    name = environ.get("NOMAD_JOB_PARENT_ID") or environ.get("NOMAD_JOB_NAME") or ""
    return re.sub(r"/(?:periodic|dispatch)-.*", "", name.strip())


def matrix_leg(environ: Mapping[str, str]) -> str:
    """The values of MATRIX_CONTEXT, as GitHub shows them behind a job's name.

    GitHub sets no variable that tells the legs of a matrix apart, so a workflow has to:
    `MATRIX_CONTEXT: ${{ toJSON(matrix) }}`.
    """
    try:
        matrix = json.loads(environ.get("MATRIX_CONTEXT") or "null")
    except (ValueError, RecursionError):
        return ""
    if not isinstance(matrix, dict):
        return ""
    values = [value for value in matrix.values() if isinstance(value, str | int | float)]
    return ", ".join(str(value) for value in values)[:LONGEST_LEG]


def labels_in(text: str) -> Mapping[str, str]:
    """Parse a pod's labels as the downward API writes them: one `app="dbt"` per line."""
    lines = map(LABEL.fullmatch, map(str.strip, text.splitlines()))
    return {found[1]: found[2] for found in lines if found}


def without_ending(name: str, patterns: tuple[re.Pattern[str], ...]) -> str:
    """Remove the generated part that the first matching pattern finds."""
    for pattern in patterns:
        if found := pattern.fullmatch(name):
            return "-".join(filter(None, found.groups()))
    return name
