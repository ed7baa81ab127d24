"""The repository as it is elsewhere: how to reach it, and what its ways of failing mean."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dulwich.client import (
    GitClient,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    LocalGitClient,
    default_urllib3_manager,
    get_transport_and_path_from_url,
)
from dulwich.errors import GitProtocolError, NotGitRepository
from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager
from urllib3.exceptions import HTTPError

from services.repository.port import RepositoryFailed, RepositoryRefused

ANSWER_SECONDS_MAX: Final = 30.0
_SSH: Final = "ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=10 -o ServerAliveCountMax=3"
_FORBIDDEN: Final = "unexpected http resp 403"


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a repository is, and who we are there."""

    url: str
    """A URL, or the path of a bare repository."""
    user: str = ""
    password: str = ""
    key_file: Path | None = None

    @contextlib.contextmanager
    def reached(self) -> Iterator[tuple[GitClient, str]]:
        """Give a client and the path to ask it for; what fails meanwhile is told as the port says."""
        try:
            with self._client() as (client, path), contextlib.closing(client):
                yield client, path
        except NotGitRepository:
            raise RepositoryRefused(
                f"There is no git repository at {self.url}, or not for us. Create it, or let us see it."
            ) from None
        except (HTTPUnauthorized, HTTPProxyUnauthorized):
            raise RepositoryRefused(f"{self.url} does not take our user and password.") from None
        except PermissionError as error:
            raise RepositoryRefused(f"{self.url} may not be written by us: {error.strerror}.") from None
        except (GitProtocolError, HTTPError, OSError) as error:
            if str(error).startswith(_FORBIDDEN):
                raise RepositoryRefused(f"{self.url} does not let us do that (403). Give our user the right.") from None
            raise RepositoryFailed(f"{self.url} does not answer: {error}.") from error

    @contextlib.contextmanager
    def _client(self) -> Iterator[tuple[GitClient, str]]:
        if self.url.startswith("/"):
            yield LocalGitClient(), self.url
        elif self.url.startswith("ssh://"):
            yield get_transport_and_path_from_url(
                self.url, ssh_command=_SSH, key_filename=str(self.key_file) if self.key_file else None
            )
        else:
            pool = default_urllib3_manager(None, _Pool, _ProxyPool, base_url=self.url, timeout=ANSWER_SECONDS_MAX)
            assert isinstance(pool, _Pool)  # as it is where nobody is to be asked for a password
            with pool:
                yield get_transport_and_path_from_url(
                    self.url, username=self.user or None, password=self.password or None, pool_manager=pool
                )


class _Pool(PoolManager):
    """Closes every answer in the end: those that say no are left open by who asked."""

    def __init__(self, *words: Any, **settings: Any) -> None:
        super().__init__(*words, **settings)
        self._answers: list[BaseHTTPResponse] = []

    def urlopen(self, *words: Any, **settings: Any) -> BaseHTTPResponse:
        answer = super().urlopen(*words, **settings)
        self._answers.append(answer)
        return answer

    def clear(self) -> None:
        for answer in self._answers:
            answer.close()
        self._answers.clear()
        super().clear()


class _ProxyPool(_Pool, ProxyManager):
    """The same where a proxy is in between."""
