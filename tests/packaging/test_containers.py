"""docker-compose.yml and the images, read without Docker; `make compose-test` runs them."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.processes import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = ("ingest", "routing", "tickets", "audit", "gateway")
OWN = {
    "ingest": {"app-secrets", "verify-tokens", "workspace-key"},
    "routing": {"mongo-url-routing", "mongo-ca.crt"},
    "tickets": {"mongo-url-tickets", "mongo-ca.crt"},
    "audit": {
        *("mongo-url-audit", "mongo-url-audit-changes", "mongo-ca.crt"),
        *("signing-key", "workspace-key"),
    },
    "gateway": {
        *("mongo-url-gateway", "mongo-ca.crt"),
        *("tokens.json", "session-key", "workspace-key"),
    },
}


WRITTEN = {"AUDIT_KEPT_CHECKPOINT_FILE"}
"""No secret: a file that the service writes, in a volume of its own."""


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_gets_its_own_secrets_as_files(service: str) -> None:
    """Every variable is a setting, every secret a file, and none is another service's."""
    settings = getattr(
        importlib.import_module(f"casetrail_{service}.settings"), f"{service.title()}Settings"
    )
    prefix = settings.model_config["env_prefix"]
    known = {f"{prefix}{name}".upper(): field for name, field in settings.model_fields.items()}
    given: dict[str, str] = COMPOSE["services"][service]["environment"]
    for name, value in given.items():
        plain = name if name in known else name.removesuffix("_FILE")
        assert plain in known, name
        if "Secret" in str(known[plain].annotation) and not name.endswith("_URL"):
            assert name.endswith("_FILE"), f"{name} holds a secret in the environment"
        if name in WRITTEN:
            mounted = [each.split(":")[1] for each in COMPOSE["services"][service]["volumes"]]
            assert any(value.startswith(f"{folder}/") for folder in mounted)
        elif name.endswith("_FILE"):
            assert value.removeprefix("/run/secrets/") in COMPOSE["services"][service]["secrets"]
    needed = {name for name, field in known.items() if field.is_required()}
    assert needed <= {name if name in known else name.removesuffix("_FILE") for name in given}
    assert set(COMPOSE["services"][service]["secrets"]) == {
        f"{service}.nk",
        "ca.crt",
        *OWN[service],
    }


def test_only_two_ports_are_published() -> None:
    """On loopback, until somebody decides otherwise; Grafana's with its profile."""
    published = {
        name: service["ports"]
        for name, service in COMPOSE["services"].items()
        if "ports" in service
    }
    assert set(published) == {"ingest", "gateway", "grafana"}
    assert all("127.0.0.1" in port for ports in published.values() for port in ports)


def pins(name: str) -> dict[str, str]:
    """Package → version of a file of requirements."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+(?:\[[a-z,]+\])?)==([^ ;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_holds_what_its_service_needs_in_the_tested_versions(service: str) -> None:
    """The versions are those of the whole, and the PDFs of the gateway are in no other image."""
    own, whole = pins(service), pins("runtime")
    assert own
    assert own.items() <= whole.items()
    assert ("fpdf2" in own) == (service == "gateway")
    image = (ROOT / "services" / service / "Dockerfile").read_text("utf-8")
    assert f"requirements/{service}.txt requirements/build.txt" in image
    assert "--require-hashes" in image


@pytest.mark.parametrize("service", ["routing", "gateway"])
def test_a_bill_of_materials_names_everything_in_an_image(service: str, tmp_path: Path) -> None:
    """CycloneDX, valid by its schema, with the version and the hashes of each package."""
    out = tmp_path / "sbom.json"
    subprocess.run(
        [
            *(sys.executable, "-m", "cyclonedx_py", "requirements"),
            str(ROOT / "requirements" / f"{service}.txt"),
            *("--output-reproducible", "--validate", "--output-file", str(out)),
        ],
        check=True,
        capture_output=True,
    )
    found = json.loads(out.read_text("utf-8"))["components"]
    assert {c["name"]: c["version"] for c in found} == {
        name.partition("[")[0]: version for name, version in pins(service).items()
    }
    assert all(c["externalReferences"][0]["hashes"] for c in found)
    assert len(found) > 30
