"""A W&B server of the tests' own, on the loopback interface: what its client asks of one, and nothing else."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "0123456789" * 4
"""An API key in the form that the client takes."""


ME = {"id": "e", "name": "me"}


@dataclass(kw_only=True)
class WandbServer:
    """What clients have sent.

    runs: id -> what it was opened with last, JSON decoded; streams: id -> bodies of the file stream, in order.
    files: path below the server -> its bytes; artifacts: what was created; views: name -> a workspace.
    operations: names in the order of asking.
    status: answered in place of everything else; seconds: before every answer; closing: set when the server ends.
    """

    url: str = ""
    status: int = 200
    seconds: float = 0.0
    closing: threading.Event = field(default_factory=threading.Event)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    streams: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, bytes] = field(default_factory=dict)
    artifacts: list[dict[str, Any]] = field(default_factory=list)
    views: dict[str, dict[str, Any]] = field(default_factory=dict)
    operations: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """That points a client at this server."""
        return {"WANDB_BASE_URL": self.url, "WANDB_API_KEY": KEY, "WANDB_ERROR_REPORTING": "false"}

    def history(self, run_id: str) -> list[dict[str, Any]]:
        """The rows that a run logged, in the order of arrival."""
        files = (body.get("files", {}).get("wandb-history.jsonl") for body in self.streams[run_id])
        return [json.loads(line) for file in files if file for line in file["content"]]

    def summary(self, run_id: str) -> dict[str, Any]:
        """The last summary of a run."""
        files = [body.get("files", {}).get("wandb-summary.json") for body in self.streams[run_id]]
        return json.loads([file for file in files if file][-1]["content"][-1])

    def _bucket(self, run_id: str) -> dict[str, Any] | None:
        """The run as it is resumed; None if there is none."""
        if run_id not in self.runs:
            return None
        rows = self.history(run_id)
        counts = {"historyLineCount": len(rows), "logLineCount": 0, "eventsLineCount": 0}
        tails = {"historyTail": json.dumps([json.dumps(row) for row in rows[-1:]]), "eventsTail": "[]"}
        texts = {"summaryMetrics": "{}", "config": "{}", "displayName": self.runs[run_id].get("displayName")}
        return {"id": "b", "name": run_id, "tags": [], "notes": None, "wandbConfig": "{}", **counts, **tails, **texts}

    def answer(self, query: str, variables: dict[str, Any]) -> Any:
        """The data of one GraphQL operation."""
        name = query.split("{")[0].split("(")[0].split()[-1]
        self.operations.append(name)
        if name == "Viewer":
            return {
                "viewer": {
                    "id": "v",
                    "entity": "me",
                    "username": "me",
                    "email": "",
                    "flags": "{}",
                    "teams": {"edges": []},
                }
            }
        if name == "UpsertBucket":
            known = self.runs.setdefault(variables["name"], {})
            known |= {key: value for key, value in variables.items() if value is not None}
            project = {"name": variables.get("project") or "robustft", "entity": ME}
            bucket = {**self._bucket(variables["name"]), "project": project}
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if name == "CreateRunFiles":
            files = [
                {"name": each, "uploadUrl": f"{self.url}/storage/{variables['run']}/{each}"}
                for each in variables["files"]
            ]
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
        if name == "RunResumeStatus":
            return {"model": {"id": "m", "name": "m", "entity": ME, "bucket": self._bucket(variables["name"])}}
        if name == "ArtifactType":  # whether there is one already
            return {"project": {"artifact": None}}
        if name == "UpsertView2":
            view = {"id": variables.get("id") or f"v{len(self.views)}", "name": variables["name"]}
            self.views[variables["name"]] = {**variables, **view}
            return {"upsertView": {"view": view, "inserted": True}}
        if name == "View":
            views = [self.views[variables["viewName"]]] if variables["viewName"] in self.views else []
            return {"project": {"allViews": {"edges": [{"node": view} for view in views]}}}
        if name == "OrganizationCoreWeaveOrganizationID":
            return {"entity": {"organization": None}}
        if name == "CreateArtifact":
            self.artifacts.append(variables)
            sequence = {"id": "s", "latestArtifact": None}
            artifact = {"id": f"a{len(self.artifacts)}", "state": "COMMITTED", "artifactSequence": sequence}
            return {"createArtifact": {"artifact": artifact}}
        return {}


def _handler(server: WandbServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            server.closing.wait(server.seconds)
            if server.status != 200:
                self._reply({"errors": [{"message": "it is broken"}]}, server.status)
            elif self.path == "/graphql":
                asked = json.loads(body)
                self._reply({"data": server.answer(asked["query"], asked.get("variables") or {})})
            elif self.path.endswith("/file_stream"):
                server.streams[self.path.split("/")[-2]].append(json.loads(body))
                self._reply({})
            else:
                server.files[self.path.removeprefix("/storage/")] = body
                self._reply({})

        do_PUT = do_GET = do_HEAD = do_POST

        def _reply(self, content: Any, status: int = 200) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            """Nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed hang up."""


@contextmanager
def wandb_server(**settings: Any) -> Iterator[WandbServer]:
    """A server that listens while the block runs; settings: of `WandbServer`."""
    state = WandbServer(**settings)
    http = _Server(("127.0.0.1", 0), _handler(state))
    state.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        state.closing.set()
        http.shutdown()
        http.server_close()
        thread.join()
