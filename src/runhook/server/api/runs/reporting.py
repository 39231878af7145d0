"""Where reporters say that runs start, are alive, end or should end."""

from litestar import Response, Router, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from runhook.domain.errors import UnauthorizedError
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.run import RunId
from runhook.operations.runs.reports import (
    Cancel,
    Canceling,
    Finish,
    Heartbeat,
    Report,
    Reported,
    Start,
)
from runhook.server.access.authentication import needs
from runhook.server.api.runs.reporting_wire import (
    FinishIn,
    HeartbeatOut,
    ProgressIn,
    RunOut,
    StartIn,
    heartbeat_of,
    reported_run,
)
from runhook.server.api.wire import Envelope, created
from runhook.server.services import Calling, Services, Serving
from runhook.telemetry.tracing import current_trace

# The publisher asks again who may report, in the transaction of all that a report brings about.
REPORTING = needs(Permission.REPORT_RUNS, is_asked_again=True)
CANCELING = needs(Permission.CANCEL_RUNS, is_asked_again=True)


@post(
    "/",
    responses={200: ResponseSpec(Envelope[RunOut], generate_examples=False)},
    **REPORTING,
)
async def start_run(
    services: Serving, caller: Calling, data: JSONBody[StartIn]
) -> Response[Envelope[RunOut]]:
    """Start a run; the same key and facts again are the same run, answered with 200."""
    report = data.to_report()
    reported = await publish(
        services, Start(caller.account_id, report, caller.actor, trace=current_trace())
    )
    shown = reported_run(reported.run)
    if reported.is_new:
        return Response(created(shown), status_code=201)
    return Response(Envelope(data=shown), status_code=200)


@post("/{run_id:int}/heartbeat", status_code=200, **REPORTING)
async def heartbeat(
    services: Serving, caller: Calling, run_id: FromPath[int]
) -> Envelope[HeartbeatOut]:
    """Say that the run's reporter is alive; learn whether it should end a cancelable run."""
    return await take(services, Heartbeat(caller.account_id, RunId(run_id), actor=caller.actor))


@post("/{run_id:int}/progress", status_code=200, **REPORTING)
async def progress(
    services: Serving, caller: Calling, run_id: FromPath[int], data: JSONBody[ProgressIn]
) -> Envelope[HeartbeatOut]:
    """Say how far the run has come; a heartbeat in all else."""
    report = data.to_report()
    return await take(services, Heartbeat(caller.account_id, RunId(run_id), report, caller.actor))


@post("/{run_id:int}/canceling", status_code=200, **REPORTING)
async def announce_cancel(
    services: Serving, caller: Calling, run_id: FromPath[int]
) -> Envelope[RunOut]:
    """Report that the run is being canceled where it runs; its finish reports the result."""
    report = Canceling(caller.account_id, RunId(run_id), caller.actor)
    return Envelope(data=reported_run((await publish(services, report)).run))


@post("/{run_id:int}/finish", status_code=200, **REPORTING)
async def finish_run(
    services: Serving, caller: Calling, run_id: FromPath[int], data: JSONBody[FinishIn]
) -> Envelope[RunOut]:
    """Finish a run; the same facts again change nothing, others are a conflict."""
    report = Finish(
        caller.account_id, RunId(run_id), data.to_report(), caller.actor, trace=current_trace()
    )
    return Envelope(data=reported_run((await publish(services, report)).run))


@post("/{run_id:int}/cancel", status_code=200, **CANCELING)
async def cancel_run(services: Serving, caller: Calling, run_id: FromPath[int]) -> Envelope[RunOut]:
    """Ask for a cancelable run to be canceled; its reporter does it."""
    report = Cancel(caller.account_id, RunId(run_id), caller.actor)
    return Envelope(data=reported_run((await publish(services, report)).run))


async def take(services: Services, report: Heartbeat) -> Envelope[HeartbeatOut]:
    """Publish a heartbeat, and answer it."""
    return Envelope(data=heartbeat_of((await publish(services, report)).run))


async def publish(services: Services, report: Report) -> Reported:
    """Publish a report; a token that is refused by its transaction is looked up at its next use."""
    try:
        return await services.publisher.publish(report)
    except UnauthorizedError:
        services.authenticator.forget(report.actor)
        raise


router = Router(
    "/runs",
    route_handlers=[start_run, heartbeat, progress, finish_run, announce_cancel, cancel_run],
)
