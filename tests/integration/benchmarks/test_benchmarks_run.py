"""Every benchmark, with numbers so small that they say nothing of speed: what they print is whole and adds up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]
SECONDS_MAX = 150


def measured(*words: str) -> dict[str, Any]:
    """Run a benchmark and return what it printed as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words, "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _pairs(result: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return list(zip(result["runs"], result["floor_runs"], strict=True))


def test_throughput_stands_beside_the_floor_of_the_same_minutes() -> None:
    result = measured("throughput", "--workflows", "60", "--concurrent", "30", "--runs", "2")

    asked = {"workflows": 60, "concurrent": 30, "limit": 60, "engines": 2, "agents": 2, "runs": 2}
    assert result["asked"] == asked
    assert len(result["runs"]) == len(result["floor_runs"]) == 2
    assert result["tasks_per_second"] > 0
    assert result["floor_tasks_per_second"] > 0
    shares = [run["tasks_per_second"] / bare["tasks_per_second"] for run, bare in _pairs(result)]
    assert result["share_of_floor"] == pytest.approx(sum(shares) / 2, abs=0.001)
    assert result["runs"][0]["seconds"] * result["runs"][0]["tasks_per_second"] == pytest.approx(60 * 8, rel=0.05)
    assert 0 < result["start_p50_ms"] <= result["start_p99_ms"]
    assert 0 < result["idle_end_to_end_p50_ms"] <= result["idle_end_to_end_p99_ms"]
    assert result["commits_per_second"] > 0
    assert 1 <= result["mean_batch"] <= 60
    for process in ("client", "engine 1", "agent 1", "postgres", "valkey", "registry"):
        assert result["cpu_seconds"][process] >= 0
        assert result["peak_memory_mb"][process] > 1
    assert result["cpu_seconds"]["engine 1"] > 0


def test_what_was_measured_on_and_with_is_said() -> None:
    result = measured("floor", "--workflows", "60", "--concurrent", "30", "--runs", "1")

    assert result["tasks_per_second"] > 0
    assert result["cpu_seconds"]["bare engine"] > 0
    assert result["postgresql"]["fsync"] == result["postgresql"]["synchronous_commit"] == "on"
    assert result["machine"]["cores"] >= 1
    assert result["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert result["measured_at"]


def test_latency_is_that_of_an_idle_mesh_and_of_a_busy_one() -> None:
    result = measured("latency", "--workflows", "10", "--concurrent", "20", "--under-load", "60")

    assert result["idle_workflows"] == 10
    assert 0 < result["idle_start_p50_ms"] < result["idle_end_to_end_p50_ms"]
    assert result["starts_measured"] > 0
    assert 0 < result["start_p50_ms"] <= result["start_p99_ms"]


def test_scaling_tells_what_fills_grows_and_waits() -> None:
    result = measured("scaling", "--workflows", "200", "--waiting", "50", "--steps", "40")

    assert result["waiting"]["workflows"] == 50
    assert result["waiting"]["engine_memory_before_mb"] > 1
    assert result["steps"]["steps"] == 40
    assert result["steps"]["first_cpu_us_per_task"] >= 0
    assert [block["workflows_before"] for block in result["database"]["blocks"]] == [100, 150]
    for engines in ("engines_1", "engines_2"):
        assert result[engines]["tasks_per_second"] > 0
    assert result["engines_2"]["cpu_us_per_task"]["engine 2"] > 0


def test_idle_agents_cost_something_and_come_back_after_a_kill() -> None:
    result = measured("agents", "--only", "streams", "--streams", "40", "--idle-seconds", "3")

    assert result["streams"] == result["asked"]["streams"] == 40
    assert result["reconnect_all_seconds"] > 0
    for figures in (result, result["own_connections_tls"], result["own_connections_plain"]):
        assert figures["bytes_per_stream"] > 0
        assert figures["engine_memory_mb"] > 1
        assert figures["idle_cpu_percent"] > 0


def test_those_who_watch_miss_nothing_and_see_nothing_twice() -> None:
    result = measured("live", "--watchers", "60", "--workflows", "3", "--updates", "12", "--per-second", "30")

    assert (result["watchers"], result["lost"], result["repeated"]) == (60, 0, 0)
    assert result["spread"]["receipts"] == 60 * (12 // 3) + 60 * 3
    assert 0 < result["update_p50_ms"] <= result["update_p99_ms"]


def test_late_results_of_frozen_agents_arrive_and_none_is_accepted() -> None:
    result = measured("agents", "--only", "freezes", "--freezes", "3")

    assert (result["freezes"], sum(result["woken_when"].values())) == (3, 3)
    late = result["stale_results_sent"]
    assert late >= 3
    assert result["stale_results_answered_on_stream"] == result["stale_results_answered_in_call"] == late
    assert (result["stale_results_accepted"], result["stale_results_misreported"]) == (0, 0)


def test_a_mesh_goes_with_the_benchmark_that_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks", "floor", "--workflows", "1000000", "--json"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as benchmark:
        try:
            assert benchmark.stderr is not None
            assert benchmark.stderr.readline().startswith("The mesh is up.")
            mesh = psutil.Process(benchmark.pid).children(recursive=True)
        finally:
            benchmark.kill()

    _, alive = psutil.wait_procs(mesh, timeout=30)
    assert not alive


def test_a_profile_of_no_process_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "throughput", "--profile", "nobody", "--workflows", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )

    assert done.returncode == 1
    assert "--profile names 'nobody'; it takes one of: engine, agent, client." in done.stderr


def test_an_unknown_part_is_refused_by_name() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "agents", "--only", "nothing"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )

    assert done.returncode == 1
    assert "--only names 'nothing'; it takes one of: streams, moves, freezes." in done.stderr
