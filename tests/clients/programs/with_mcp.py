"""What an assistant asks of dbt Labs' MCP server: its tools for the Admin API."""

import asyncio
import json
import os
import sys
from pathlib import Path

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

run, job = int(os.environ["RUN_ID"]), int(os.environ["JOB_ID"])
server = StdioServerParameters(
    command=str(Path(sys.executable).with_name("dbt-mcp")),
    env={
        **os.environ,
        "DBT_HOST": os.environ["PLACE"],
        "DBT_TOKEN": os.environ["TOKEN"],
        "DBT_ACCOUNT_ID": "1",
        "DBT_PROD_ENV_ID": os.environ["ENVIRONMENT_ID"],
        "DBT_MCP_ENABLE_ADMIN_API": "true",
        "DO_NOT_TRACK": "1",
    },
)
CALLS = {
    "projects": ("list_projects", {}),
    "jobs": ("list_jobs", {}),
    "job": ("get_job_details", {"job_id": job}),
    "runs": ("list_jobs_runs", {"job_id": job}),
    "run": ("get_job_run_details", {"run_id": run}),
    "artifacts": ("list_job_run_artifacts", {"run_id": run}),
    "error": ("get_job_run_error", {"run_id": run}),
    "triggered": ("trigger_job_run", {"job_id": job, "cause": "by hand"}),
}


async def look() -> dict[str, object]:
    seen = {}
    async with stdio_client(server) as streams, ClientSession(*streams) as session:
        await session.initialize()
        seen["tools"] = sorted(tool.name for tool in (await session.list_tools()).tools)
        for name, (tool, arguments) in CALLS.items():
            answer = await session.call_tool(tool, arguments)
            seen[name] = " ".join(part.text for part in answer.content)
    return seen


print(json.dumps(asyncio.run(look())))
