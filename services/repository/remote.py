"""The repository as it is elsewhere: how to reach it, and what its ways of failing mean."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dulwich.client import (
    GitClient,
    HTTPProxyUnauthorized,
    HTTPUnauthorized,
    LocalGitClient,
    default_urllib3_manager,
    get_transport_and_path_from_url,
)
from dulwich.errors import GitProtocolError, NotGitRepository
from urllib3 import PoolManager
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
            client, path = self._client()
            with contextlib.closing(client):
                yield client, path
        except NotGitRepository:
            raise RepositoryRefused(
                f"There is no git repository at {self.url}, or not for us. Create it, or let us see it."
            ) from None
        except (HTTPUnauthorized, HTTPProxyUnauthorized):
            raise RepositoryRefused(f"{self.url} does not take our user and password.") from None
        except PermissionError as error:
            raise RepositoryRefused(f"{self.url} may not be written by us: {error.strerror}.") from None
        except GitProtocolError as error:
            if str(error).startswith(_FORBIDDEN):
                raise RepositoryRefused(f"{self.url} does not let us do that (403). Give our user the right.") from None
            raise RepositoryFailed(f"{self.url} did not answer as git does: {error}.") from error
        except (HTTPError, OSError) as error:
            raise RepositoryFailed(f"{self.url} is not reached: {error}.") from error

    def _client(self) -> tuple[GitClient, str]:
        if self.url.startswith("/"):
            return LocalGitClient(), self.url
        if self.url.startswith("ssh://"):
            return get_transport_and_path_from_url(
                self.url, ssh_command=_SSH, key_filename=str(self.key_file) if self.key_file else None
            )
        pool = default_urllib3_manager(None, base_url=self.url, timeout=ANSWER_SECONDS_MAX)
        assert isinstance(pool, PoolManager)  # as it is where nobody is to be asked for a password
        return get_transport_and_path_from_url(
            self.url,
            username=self.user or None,
            password=self.password or None,
            pool_manager=pool,
        )
