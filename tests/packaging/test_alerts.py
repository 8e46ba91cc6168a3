"""Alert rules on Prometheus itself: each fires when it must, and not before (`promtool`)."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.processes import ROOT
from tests.support.prometheus import program

FOLDER = ROOT / "deploy" / "prometheus"
RULES: dict[str, dict[str, Any]] = {
    rule["alert"].removeprefix("Casetrail"): rule
    for rule in yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]
}


@dataclass(frozen=True)
class Course:
    """How figures go, minute by minute, and at which minute nobody is called, and somebody is."""

    series: Mapping[str, str]
    quiet: Sequence[int]
    fires: int
    labels: Mapping[str, str] = field(default_factory=dict)


COURSES: Sequence[tuple[str, Course]] = [
    (
        "ServiceDown",
        Course(
            {'up{job="casetrail", service="audit"}': "1x4 0x9"}, [4, 6], 8, {"service": "audit"}
        ),
    ),
    (
        "LogStandsStill",
        Course(
            {"casetrail_log_lag": "0x9 7x19", "casetrail_log_complete_through": "0+10x9 90x19"},
            [9, 14],
            25,
        ),
    ),
    ("LogBehind", Course({"casetrail_log_lag": "0x4 10001x19"}, [4, 14], 16)),
    ("NobodyFollows", Course({"casetrail_log_follows": "1x4 0x9"}, [4, 6], 8)),
    ("NobodyFollows", Course({"casetrail_log_follows": "1x4 _x29"}, [4], 15)),
    ("LogForked", Course({"casetrail_log_forked_total": "0x4 1x40"}, [4], 40)),
    ("LogForked", Course({"casetrail_log_forked_total": "_x4 1x9"}, [3], 5)),
    (
        "SealingRefused",
        Course(
            {'casetrail_sealing_refused{reason="roots-differ"}': "0x4 1x90"},
            [4],
            60,
            {"reason": "roots-differ"},
        ),
    ),
    (
        "SealingBehind",
        Course(
            {"casetrail_log_complete_through": "0x4 60000x19", "casetrail_sealed_size": "0x29"},
            [4, 14],
            16,
        ),
    ),
    (
        "SetAside",
        Course(
            {'casetrail_messages_dead_total{durable="routing"}': "0x4 1x40"},
            [4, 25],
            6,
            {"durable": "routing"},
        ),
    ),
    (
        "SetAside",
        Course(
            {'casetrail_webhook_set_aside_total{endpoint="erp"}': "0x4 1x40"},
            [4, 25],
            6,
            {"endpoint": "erp"},
        ),
    ),
    (
        "CannotSetAside",
        Course(
            {'casetrail_messages_kept_total{durable="routing"}': "0x4 0+1x30"},
            [4, 8],
            14,
            {"durable": "routing"},
        ),
    ),
    (
        "SpoolFilling",
        Course(
            {
                'casetrail_spool_bytes{instance="a"}': "0x4 51x19",
                'casetrail_spool_max_bytes{instance="a"}': "100x29",
            },
            [4, 8],
            11,
            {"instance": "a"},
        ),
    ),
    (
        "SpoolDamaged",
        Course({'casetrail_spool_set_aside{instance="a"}': "0x4 1x9"}, [4], 5, {"instance": "a"}),
    ),
    (
        "AnswersFail",
        Course(
            {
                'casetrail_http_requests_total{route="/v1/cases", status="200"}': "0+60x40",
                'casetrail_http_requests_total{route="/v1/cases", status="503"}': "0x9 0+6x30",
            },
            [9, 12],
            25,
            {"route": "/v1/cases"},
        ),
    ),
    (
        "AnswersSlow",
        Course(
            {
                'casetrail_http_seconds_bucket{route="/v1/cases", le="1"}': "0+60x9 540x40",
                'casetrail_http_seconds_bucket{route="/v1/cases", le="2.5"}': "0+60x49",
                'casetrail_http_seconds_bucket{route="/v1/cases", le="+Inf"}': "0+60x49",
            },
            [9, 14],
            30,
            {"route": "/v1/cases"},
        ),
    ),
    (
        "HandlersSlow",
        Course(
            {
                'casetrail_handling_seconds_bucket{durable="routing", le="5"}': "0+60x9 540x40",
                'casetrail_handling_seconds_bucket{durable="routing", le="10"}': "0+60x49",
                'casetrail_handling_seconds_bucket{durable="routing", le="+Inf"}': "0+60x49",
            },
            [9, 14],
            30,
            {"durable": "routing"},
        ),
    ),
    (
        "RulesBroken",
        Course(
            {'casetrail_rules_broken{rules="custody"}': "0x4 1x9"}, [4, 5], 7, {"rules": "custody"}
        ),
    ),
    (
        "EndpointDisabled",
        Course(
            {'casetrail_webhook_disabled{endpoint="erp"}': "0x4 1x9"}, [4], 5, {"endpoint": "erp"}
        ),
    ),
    (
        "WitnessRefused",
        Course(
            {'casetrail_witness_contradicted_total{witness="w"}': "0x4 1x90"},
            [4],
            90,
            {"witness": "w"},
        ),
    ),
    (
        "WitnessAbsent",
        Course(
            {'casetrail_witness_refused_total{witness="w"}': "0x4 0+1x120"},
            [4, 60],
            70,
            {"witness": "w"},
        ),
    ),
]


@pytest.fixture(scope="session")
def promtool() -> str:
    """Prometheus' own checks."""
    return program("promtool")


def said(command: Sequence[str | Path]) -> str:
    """What the command says; it must end well."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_rules_and_configuration(promtool: str, tmp_path: Path) -> None:
    """As docker-compose mounts them."""
    assert f"{len(RULES)} rules found" in said([promtool, "check", "rules", FOLDER / "alerts.yaml"])
    text = (FOLDER / "prometheus.yaml").read_text("utf-8")
    config = tmp_path / "prometheus.yaml"
    config.write_text(text.replace("/etc/prometheus/alerts.yaml", str(FOLDER / "alerts.yaml")))
    assert "SUCCESS" in said([promtool, "check", "config", config])


def test_each_alert_has_a_course() -> None:
    """One that nothing was tried on may never call anybody."""
    assert {name for name, _ in COURSES} == set(RULES)


@pytest.mark.parametrize(
    ("name", "course"), COURSES, ids=[f"{name}-{n}" for n, (name, _) in enumerate(COURSES)]
)
def test_an_alert_calls_somebody_when_it_must(
    promtool: str, tmp_path: Path, name: str, course: Course
) -> None:
    """Quiet in the minutes named, and then not."""
    rule = RULES[name]
    of_up = {"job": "casetrail"} if name == "ServiceDown" else {}
    fired = {
        "exp_labels": {**rule["labels"], **of_up, **course.labels},
        "exp_annotations": rule["annotations"],
    }
    looks = [
        {"eval_time": f"{minute}m", "alertname": rule["alert"], "exp_alerts": alerts}
        for minute, alerts in [*((quiet, []) for quiet in course.quiet), (course.fires, [fired])]
    ]
    series = [{"series": one, "values": values} for one, values in course.series.items()]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": looks}
    file = tmp_path / "course.yaml"
    rules = str(FOLDER / "alerts.yaml")
    file.write_text(yaml.safe_dump({"rule_files": [rules], "tests": [test]}))
    said([promtool, "test", "rules", file])
