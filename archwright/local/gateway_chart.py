"""The gateway's files for the Helm chart: `python -m archwright.local.gateway_chart helm/archwright/files`.

Helm cannot run Python, so they are generated and committed, and a test keeps them true. What a release decides
(names, issuer, audience) stays a Helm expression; the chart renders the file with `tpl`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from archwright.local.gateway_config import GatewayConfig, Upstream, render
from archwright.local.gateway_descriptors import descriptors
from archwright.local.programs import ROLES

CLUSTER = GatewayConfig(
    listen="0.0.0.0:8443",
    admin="127.0.0.1:9901",
    tls_cert_file="/etc/archwright/tls/tls.crt",
    tls_key_file="/etc/archwright/tls/tls.key",
    jwks_file="/etc/archwright/jwks/jwks.json",
    token_issuer="{{ .Values.identity.issuer }}",  # noqa: S106 - an expression, not a token
    token_audience="{{ .Values.identity.audience }}",  # noqa: S106 - likewise
    descriptors_file="/etc/archwright/gateway/descriptors.binpb",
    # Without a `ca_file`: between services Istio's mTLS is the lock, and Envoy's peer is the sidecar.
    engine=Upstream(("{{ .Release.Name }}-engine:8080",)),
    registry=Upstream(("{{ .Release.Name }}-registry:8080",)),
    realtime=Upstream(("{{ .Release.Name }}-realtime:8080",)),
    roles={
        role: Upstream(("{{ .Release.Name }}-" + role.replace("_", "-") + ":8080",), is_probed=False) for role in ROLES
    },
)


def files() -> dict[str, bytes]:
    """Return the contents of the chart's files, by name."""
    return {"envoy.yaml": render(CLUSTER).encode(), "descriptors.binpb": descriptors()}


def main(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
