"""Where messages go, as an operator describes it.

What must stay secret is never written into the file: it is named, as an environment variable or as a file, and found
when the rules are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import getaddresses
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    model_validator,
)

from services.secret_fields import Secret, revealed

RECIPIENTS_MAX: Final = 50
SECRET_BYTES_MIN: Final = 16

APPRISE_SCHEMES: Final = frozenset(
    {
        *("discord", "gchat", "line", "pbul", "pover", "tgram", "twist", "webex", "wxteams", "dingtalk", "feishu"),
        *("lark", "betterstack", "ilert", "incidentio", "opsgenie", "pagerduty", "signl4", "splunk", "squadcast"),
        *("mailgun", "postmark", "sendgrid", "sparkpost", "twilio", "vonage"),
    }
)
"""Services that are in one place on the internet, whatever their URL says: it holds keys, and names no host."""


class Tls(StrEnum):
    """How a connection to a mail server is kept private."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


def _revealed_or_written(written: Any, info: ValidationInfo) -> Any:
    return written if isinstance(written, str) else revealed(written, info)


def _is_web_url(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        is_fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_fine = False
    if not is_fine or parts.username is not None or parts.fragment:
        raise ValueError("is no URL such as https://host/path; one without name, password and fragment is expected")
    return url


def _is_of_known_service(url: SecretStr) -> SecretStr:
    scheme = url.get_secret_value().partition("://")[0].lower()
    if scheme not in APPRISE_SCHEMES:
        raise ValueError(f"is of a service that is not allowed. Allowed are: {', '.join(sorted(APPRISE_SCHEMES))}")
    return url


def _is_mailbox(text: str) -> str:
    found = getaddresses([text])
    local, _, domain = found[0][1].rpartition("@") if len(found) == 1 else ("", "", "")
    if not local or not domain or not text.isprintable():
        raise ValueError(f"{text!r} is no address such as `Name <name@example.com>`")
    return text


def _is_long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().removeprefix("whsec_").encode()) < SECRET_BYTES_MIN:
        raise ValueError(f"is too short to sign with: at least {SECRET_BYTES_MIN} bytes are needed")
    return secret


WebUrl: TypeAlias = Annotated[SecretStr, BeforeValidator(_revealed_or_written), AfterValidator(_is_web_url)]
"""May be written into the file; who knows the URL of a chat's webhook may write there, so better it is not."""
Mailbox: TypeAlias = Annotated[str, AfterValidator(_is_mailbox)]


class _Described(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Email(_Described):
    """A mail server, and whom it is to write to."""

    kind: Literal["email"]
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(default=587, ge=1, le=65535)
    tls: Tls = Tls.STARTTLS
    user: str = ""
    password: Secret | None = None
    sender: Mailbox = Field(alias="from")
    to: tuple[Mailbox, ...] = Field(min_length=1, max_length=RECIPIENTS_MAX)

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Self:
        if bool(self.user) != (self.password is not None):
            raise ValueError("has one of `user` and `password`; they go together")
        if self.password is not None and self.tls is Tls.NONE:
            raise ValueError("would send its password in clear; set `tls` to starttls or tls")
        return self


class Slack(_Described):
    """An incoming webhook of Slack, or of what understands the same."""

    kind: Literal["slack"]
    url: WebUrl


class Teams(_Described):
    """A webhook of a Power Automate workflow of Microsoft Teams, which is sent an Adaptive Card."""

    kind: Literal["teams"]
    url: WebUrl


class Webhook(_Described):
    """Any system: it is sent the event as a CloudEvent, signed."""

    kind: Literal["webhook"]
    url: WebUrl
    secret: Annotated[Secret, AfterValidator(_is_long_enough)]


class Apprise(_Described):
    """A service that apprise knows how to write to."""

    kind: Literal["apprise"]
    url: Annotated[SecretStr, BeforeValidator(revealed), AfterValidator(_is_of_known_service)]


Described: TypeAlias = Annotated[Email | Slack | Teams | Webhook | Apprise, Field(discriminator="kind")]
"""A channel as it is described."""

Channels: TypeAlias = Mapping[str, Described]
