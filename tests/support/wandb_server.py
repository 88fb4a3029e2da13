"""A stand-in for W&B's server: answers just enough for a run to upload, and remembers what it was asked."""

import gzip
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Server(ThreadingHTTPServer):
    """`asked`: (operation, variables) of every GraphQL request; `uploaded`: path -> size; `known`: committed digests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, dict]] = []
        self.uploaded: dict[str, int] = {}
        self.known: set[str] = set()

    def handle_error(self, request, client_address):
        """A client that hangs up is no news."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def created(self) -> list[tuple[str, str, str | None]]:
        """(type, digest, run that made it) of every artifact that was sent; the run is None for one that is only used."""
        inputs = [variables["input"] for operation, variables in self.asked if operation == "CreateArtifact"]
        return [(i["artifactTypeName"], i["digest"], i.get("runName")) for i in inputs]

    def used(self) -> set[tuple[str, str]]:
        """(run, digest) of every declared input."""
        inputs = [variables["input"] for operation, variables in self.asked if operation == "UseArtifact"]
        return {(i["runName"], i["artifactID"]) for i in inputs}

    def runs(self) -> dict[str, str]:
        """Run id -> display name."""
        rows = [v for operation, v in self.asked if operation == "UpsertBucket" and v.get("displayName")]
        return {v["name"]: v["displayName"] for v in rows}

    def answer(self, operation: str, variables: dict) -> dict:
        """What W&B would say; the id of an artifact is its digest."""
        given = variables.get("input") or variables
        if operation == "Viewer":
            return {"viewer": {"id": "u", "entity": "me", "username": "me", "teams": {"edges": []}, "flags": "{}"}}
        if operation == "ServerFeaturesQuery":
            return {"serverInfo": {"features": []}}
        if operation == "ArtifactType":
            return {"project": {"artifact": None}}
        if operation == "UpsertBucket":
            project = {"id": "p", "name": "emotalk-bench", "entity": {"id": "e", "name": "me"}}
            bucket = {"id": given["name"], "name": given["name"], "displayName": given.get("displayName"), "config": "{}",
                      "sweepName": None, "historyLineCount": 0, "project": project}  # fmt: skip
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if operation == "CreateArtifact":
            state = "COMMITTED" if given["digest"] in self.known else "PENDING"
            artifact = {"id": given["digest"], "state": state, "artifactSequence": {"latestArtifact": None}}
            return {"createArtifact": {"artifact": artifact}}
        if operation == "CreateArtifactManifest":
            file = {"id": "f", "name": given["name"], "displayName": given["name"], "uploadHeaders": [],
                    "uploadUrl": f"{self.address}/manifest/{given['artifactID']}"}  # fmt: skip
            return {"createArtifactManifest": {"artifactManifest": {"id": "m-" + given["artifactID"], "file": file}}}
        if operation == "UpdateArtifactManifest":
            file = {
                "id": "f",
                "uploadHeaders": [],
                "uploadUrl": f"{self.address}/manifest/{given['artifactManifestID']}",
            }
            return {"updateArtifactManifest": {"artifactManifest": {"id": given["artifactManifestID"], "file": file}}}
        if operation == "CreateArtifactFiles":
            nodes = [{"storagePath": f["name"], "uploadHeaders": [], "uploadMultipartUrls": None, "artifact": {"id": f["artifactID"]},
                      "uploadUrl": f"{self.address}/artifact/{f['artifactID']}/{f['name']}"} for f in given["artifactFiles"]]  # fmt: skip
            return {"createArtifactFiles": {"files": {"edges": [{"node": node} for node in nodes]}}}
        if operation == "CommitArtifact":
            self.known.add(given["artifactID"])
            return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": given["artifactID"]}}}
        if operation == "UseArtifact":
            artifact = {"id": given["artifactID"], "digest": given["artifactID"], "description": "", "state": "COMMITTED",
                        "createdAt": "2026-01-01T00:00:00Z", "metadata": "{}"}  # fmt: skip
            return {"useArtifact": {"artifact": artifact}}
        if operation == "CreateRunFiles":
            files = [
                {"name": name, "uploadUrl": f"{self.address}/run/{given['run']}/{name}"} for name in given["files"]
            ]
            return {"createRunFiles": {"runID": given["run"], "uploadHeaders": [], "files": files}}
        return {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *what):
        pass

    def do_GET(self):
        self.reply({})

    def do_PUT(self):
        self.server.uploaded[self.path] = len(self.body())
        self.reply({})

    def do_POST(self):
        body = self.body()
        if not self.path.endswith("/graphql"):
            self.reply({"exitcode": None, "limits": {}})
            return
        request = json.loads(body)
        found = re.search(r"(?:query|mutation)\s+(\w+)", request["query"])
        operation, variables = found[1] if found else "", request.get("variables") or {}
        self.server.asked.append((operation, variables))
        self.reply({"data": self.server.answer(operation, variables)})

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().strip() or b"0", 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            body = b"".join(parts)
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def reply(self, document: dict) -> None:
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving():
    """A server on a free port of this machine, for as long as the block runs."""
    server = Server()
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
