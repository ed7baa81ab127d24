"""A web server for git repositories: git's own `http-backend`, behind a user and a password where that is wanted."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

Environ = dict[str, Any]


def git(place: Path, *words: str) -> str:
    """Return what git says about a repository, without the last end of line."""
    ended = subprocess.run(
        [_git(), "-C", str(place), *words], env=_environment(place), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.removesuffix("\n")


@dataclass
class GitServer:
    """What is served, and whom it lets in."""

    url: str = ""
    password: str = ""
    forbids_writing: bool = False
    before_push: Callable[[], None] = lambda: None
    """Done once, just before the next push is taken."""
    asked: list[str] = field(default_factory=list)

    def guarding(self, application: Any) -> Any:
        def guarded(environ: Environ, start: Any) -> Iterable[bytes]:
            asked = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
            self.asked.append(asked)
            wanted = base64.b64encode(f"archwright:{self.password}".encode()).decode()
            if self.password and environ.get("HTTP_AUTHORIZATION") != f"Basic {wanted}":
                start("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"'), ("Content-Length", "0")])
                return [b""]
            if self.forbids_writing and "git-receive-pack" in asked:
                start("403 Forbidden", [("Content-Length", "0")])
                return [b""]
            if environ["PATH_INFO"].endswith("/git-receive-pack"):
                do, self.before_push = self.before_push, lambda: None
                do()
            return application(environ, start)

        return guarded


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        return


@asynccontextmanager
async def git_server(place: Path, **settings: Any) -> AsyncIterator[GitServer]:
    """Serve the bare repository at `place`, once it is there."""
    server = GitServer(**settings)
    with make_server("127.0.0.1", 0, lambda *_: [], WSGIServer, _Quiet) as listening:
        server.url = f"http://127.0.0.1:{listening.server_port}/{place.name}"
        listening.set_app(server.guarding(_application(place.parent)))
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def _application(folder: Path) -> Any:
    """Return what hands each request to git, as a web server does by CGI."""

    def application(environ: Environ, start: Any) -> Iterable[bytes]:
        body = _body(environ)
        asked = {name: value for name, value in environ.items() if name.startswith("HTTP_") and isinstance(value, str)}
        ended = subprocess.run(
            [_git(), "http-backend"],
            input=body,
            env=_environment(folder)
            | asked
            | {
                "GIT_PROJECT_ROOT": str(folder),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
                "REQUEST_METHOD": environ["REQUEST_METHOD"],
                "PATH_INFO": environ["PATH_INFO"],
                "QUERY_STRING": environ.get("QUERY_STRING", ""),
                "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
                "CONTENT_LENGTH": str(len(body)),
                "REMOTE_USER": "archwright",
            },
            capture_output=True,
            check=False,
        )
        head, _, content = ended.stdout.partition(b"\r\n\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in head.decode().splitlines())]
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        start(status, [(name, value) for name, value in headers if name != "Status"])
        return [content]

    return application


def _body(environ: Environ) -> bytes:
    if environ.get("HTTP_TRANSFER_ENCODING") != "chunked":
        return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    read, pieces = environ["wsgi.input"], list[bytes]()
    while size := int(read.readline(), 16):
        pieces.append(read.read(size))
        read.readline()
    read.readline()
    return b"".join(pieces)


def _git() -> str:
    found = shutil.which("git")
    assert found, "these tests read what was made with git; install it"
    return found


def _environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(home)}
