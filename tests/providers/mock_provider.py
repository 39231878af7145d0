"""`oidc-provider-mock` on a free port of loopback, with the people of PEOPLE; prints its issuer."""

import json
import os
import threading

import httpx
import oidc_provider_mock

with oidc_provider_mock.run_server_in_thread() as server:
    issuer = f"http://localhost:{server.server_port}"
    for name, claims in json.loads(os.environ["PEOPLE"]).items():
        httpx.put(f"{issuer}/users/{name}", json=claims).raise_for_status()
    print(issuer, flush=True)
    threading.Event().wait()
