"""A web server for one git repository, behind a user and a password where that is wanted."""

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

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

Environ = dict[str, Any]


def git(place: Path, *words: str) -> str:
    """Return what git says about a repository, without the last end of line."""
    found = shutil.which("git")
    assert found, "these tests read what they made with git; install it"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1", "HOME": str(place)}
    ended = subprocess.run(
        [found, "-C", str(place), *words], env=environment, capture_output=True, text=True, check=False
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
        listening.set_app(server.guarding(_application(place)))
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()


def _application(place: Path) -> Any:
    def application(environ: Environ, start: Any) -> Iterable[bytes]:
        with Repo(str(place)) as repo:
            chain = make_wsgi_chain(DictBackend({f"/{place.name}": repo}))
            return [b"".join(chain(environ, start))]

    return application
