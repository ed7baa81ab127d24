from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from archwright.contract import contract
from archwright.local.gateway_config import GatewayConfig, Upstream, render

CONFIG = GatewayConfig(
    listen="127.0.0.1:8443",
    admin="127.0.0.1:9901",
    tls_cert_file="/keys/server.pem",
    tls_key_file="/keys/server-key.pem",
    jwks_file="/keys/jwks.json",
    token_issuer="issuer",
    token_audience="audience",
    descriptors_file="/gateway/descriptors.binpb",
    engine=Upstream(("127.0.0.1:1", "127.0.0.1:2"), "/keys/ca.pem"),
    registry=Upstream(("registry.internal:3",), "/keys/ca.pem", server_name="registry.internal"),
    realtime=Upstream(("unix:/run/realtime.sock",)),
)


def _rendered(config: GatewayConfig = CONFIG) -> Any:
    return yaml.safe_load(render(config))


def _manager(rendered: Any) -> Any:
    chain = rendered["static_resources"]["listeners"][0]["filter_chains"][0]
    return chain["filters"][0]["typed_config"]


def _filter(rendered: Any, name: str) -> Any:
    filters = _manager(rendered)["http_filters"]
    return next(found["typed_config"] for found in filters if found["name"] == f"envoy.filters.http.{name}")


def _routes(rendered: Any) -> list[Any]:
    found: list[Any] = _manager(rendered)["route_config"]["virtual_hosts"][0]["routes"]
    return found


def _cluster(rendered: Any, name: str) -> Any:
    return next(found for found in rendered["static_resources"]["clusters"] if found["name"] == name)


def test_filters_come_in_the_order_identity_limits_transcoder_router() -> None:
    names = [found["name"].removeprefix("envoy.filters.http.") for found in _manager(_rendered())["http_filters"]]

    assert names == [
        "health_check",
        "jwt_authn",
        "header_mutation",
        "body_size_limit",
        "grpc_json_transcoder",
        "router",
    ]


def test_every_service_with_a_rest_form_is_transcoded() -> None:
    expected = {
        service.full_name for service in contract().services if any(method.binding for method in service.methods)
    }

    assert set(_filter(_rendered(), "grpc_json_transcoder")["services"]) == expected


def test_streams_have_no_time_limit_and_calls_have() -> None:
    streaming = {method.path for method in contract().methods() if method.streams}
    limits = {route["match"]["path"]: route["route"] for route in _routes(_rendered()) if "path" in route["match"]}

    assert set(limits) == streaming
    assert {route["timeout"] for route in limits.values()} == {"0s"}
    calls = [route["route"] for route in _routes(_rendered()) if set(route["match"]) == {"prefix", "grpc"}]
    assert {route["timeout"] for route in calls if route["timeout"] != "0s"} == {"65s"}


def test_what_never_reached_a_service_is_tried_again_elsewhere_and_nothing_else_is() -> None:
    for route in (route["route"] for route in _routes(_rendered()) if "route" in route):
        retry = route["retry_policy"]
        assert retry["retry_on"] == "connect-failure,refused-stream"
        assert [each["name"] for each in retry["retry_host_predicate"]] == [
            "envoy.retry_host_predicates.previous_hosts"
        ]


def test_the_last_route_leads_nowhere() -> None:
    assert _routes(_rendered())[-1] == {"match": {"prefix": "/"}, "direct_response": {"status": 404}}


def test_a_token_is_looked_for_in_no_query_but_that_of_event_streams_and_websockets() -> None:
    identity = _filter(_rendered(), "jwt_authn")

    assert "from_params" not in identity["providers"]["header"]
    assert identity["providers"]["header"]["from_headers"]  # without it, Envoy looks in every query
    rules = [rule["match"] for rule in identity["rules"] if "header_or_query" in str(rule.get("requires"))]
    assert rules == [
        {"safe_regex": {"regex": "/ws/workflow/[^/]+/(events|status)"}},
        {"safe_regex": {"regex": "/api/v1/workflows/[^/]+/events"}},
    ]


def test_only_what_the_contract_opens_and_health_and_reflection_need_no_token() -> None:
    free = [rule["match"] for rule in _filter(_rendered(), "jwt_authn")["rules"] if "requires" not in rule]

    assert free == [
        {"path": "/"},
        {"path": "/archwright.engine.v1.DescriptionService/GetOpenApi"},
        {"path": "/openapi.json"},
        {"path": "/archwright.engine.v1.DescriptionService/GetAsyncApi"},
        {"path": "/asyncapi.json"},
        {"prefix": "/grpc.health."},
        {"prefix": "/grpc.reflection."},
    ]


def test_services_are_known_by_their_certificate() -> None:
    tls = _cluster(_rendered(), "registry")["transport_socket"]["typed_config"]

    assert tls["sni"] == "registry.internal"
    trusted = tls["common_tls_context"]["validation_context"]
    assert trusted["trusted_ca"] == {"filename": "/keys/ca.pem"}
    assert trusted["match_typed_subject_alt_names"] == [{"san_type": "DNS", "matcher": {"exact": "registry.internal"}}]


def test_without_a_ca_the_mesh_around_encrypts() -> None:
    rendered = _rendered(replace(CONFIG, engine=Upstream(("engine:1",))))

    assert "transport_socket" not in _cluster(rendered, "engine")


def test_names_are_looked_up_and_addresses_are_not() -> None:
    rendered = _rendered()

    assert _cluster(rendered, "engine")["type"] == "STATIC"
    assert _cluster(rendered, "registry")["type"] == "STRICT_DNS"


def test_all_replicas_are_used() -> None:
    endpoints = _cluster(_rendered(), "engine")["load_assignment"]["endpoints"][0]["lb_endpoints"]

    ports = [found["endpoint"]["address"]["socket_address"]["port_value"] for found in endpoints]
    assert ports == [1, 2]


def test_addresses_that_proxies_forward_count_only_where_proxies_are_trusted() -> None:
    distrusting, trusting = _rendered(), _rendered(replace(CONFIG, trusted_proxies=1))

    assert "x-forwarded-" in str(_manager(distrusting)["early_header_mutation_extensions"])
    assert "x-forwarded-" not in str(_manager(trusting)["early_header_mutation_extensions"])
    assert _manager(trusting)["xff_num_trusted_hops"] == 1


def test_values_cannot_break_out_of_their_place() -> None:
    rendered = _rendered(replace(CONFIG, token_issuer='a"\n  evil: {'))

    assert _filter(rendered, "jwt_authn")["providers"]["header"]["issuer"] == 'a"\n  evil: {'


@pytest.mark.parametrize("address", ["8443", "localhost", "localhost:", ":8443", "localhost:https"])
def test_what_is_no_address_is_named(address: str) -> None:
    with pytest.raises(ValueError, match="is not an address like"):
        render(replace(CONFIG, listen=address))


def test_an_ipv6_address_is_written_in_brackets() -> None:
    socket_address = _rendered(replace(CONFIG, listen="[::1]:8443"))["static_resources"]["listeners"][0]["address"]

    assert socket_address == {"socket_address": {"address": "::1", "port_value": 8443}}
