"""The manifests of Kubernetes: valid by its schemas, and true to the services they start."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from casetrail_audit.mongo_users import roles
from casetrail_runtime.streams.specs import DURABLES

from tests.support.processes import ROOT

BASE = ROOT / "deploy" / "kubernetes" / "base"
SERVICES = ("ingest", "routing", "tickets", "audit", "gateway")
FILES = sorted(path for path in BASE.glob("*.yaml") if path.name != "kustomization.yaml")
Document = dict[str, Any]


def documents(path: Path) -> list[Document]:
    """The documents of a file."""
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


EVERY = [document for path in FILES for document in documents(path)]


def named(kind: str, name: str) -> Document:
    """The one document of this kind and name."""
    (found,) = [d for d in EVERY if d["kind"] == kind and d["metadata"]["name"] == name]
    return found


def pod_of(service: str) -> Document:
    """The pod of a service."""
    kind = "StatefulSet" if service == "ingest" else "Deployment"
    pod: Document = named(kind, service)["spec"]["template"]["spec"]
    return pod


def container_of(service: str) -> Document:
    """The one container of a service."""
    (container,) = pod_of(service)["containers"]
    found: Document = container
    return found


@pytest.mark.parametrize("version", ["1.29", "1.31", "1.33"])
def test_every_manifest_fits_the_schemas_of_kubernetes(version: str) -> None:
    """Strictly: a field that nobody knows is a fault, as a typing mistake would be."""
    for document in EVERY:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_check_notices_a_typing_mistake() -> None:
    """A check that cannot fail shows nothing."""
    wrong = json.loads(json.dumps(named("Deployment", "audit")))
    wrong["spec"]["replicaz"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.31", strict=True)


def test_the_kustomization_names_every_file_and_image() -> None:
    """Nothing is left out, nothing is named that is not there."""
    told = yaml.safe_load((BASE / "kustomization.yaml").read_text("utf-8"))
    assert sorted(told["resources"]) == sorted(path.name for path in FILES)
    used = {container_of(service)["image"] for service in SERVICES}
    assert {image["name"] for image in told["images"]} == used


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_pod_is_told_is_what_its_service_asks(service: str) -> None:
    """Every variable is one of the service's settings, and none that it needs is missing."""
    module = importlib.import_module(f"casetrail_{service}.settings")
    settings = getattr(module, f"{service.title()}Settings")
    prefix = settings.model_config["env_prefix"]
    known = {f"{prefix}{name}".upper(): field for name, field in settings.model_fields.items()}
    named = {variable["name"] for variable in container_of(service)["env"]}
    given = {name if name in known else name.removesuffix("_FILE") for name in named}
    assert given <= known.keys()
    needed = {name for name, field in known.items() if field.is_required()}
    assert needed <= given


@pytest.mark.parametrize("service", SERVICES)
def test_a_pod_listens_where_its_image_does_and_may_do_nothing_else(service: str) -> None:
    """Port, probes, user and file system; no token of the cluster, no capability."""
    image = (ROOT / "services" / service / "Dockerfile").read_text("utf-8")
    exposed = re.search(r"^EXPOSE ([0-9]+)$", image, re.MULTILINE)
    user = re.search(r"^USER ([0-9]+)", image, re.MULTILINE)
    assert exposed is not None
    assert user is not None
    container, pod = container_of(service), pod_of(service)
    assert container["ports"][0]["containerPort"] == int(exposed[1])
    assert pod["securityContext"]["runAsUser"] == int(user[1])
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False


@pytest.mark.parametrize("service", SERVICES)
def test_one_replica_always_stays(service: str) -> None:
    """Two at least, with a budget that keeps one; none goes before another is ready."""
    budget = named("PodDisruptionBudget", service)
    assert budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] == service
    scaler = named("HorizontalPodAutoscaler", service)["spec"]
    assert scaler["minReplicas"] >= 2
    assert scaler["scaleTargetRef"]["name"] == service
    if service != "ingest":
        strategy = named("Deployment", service)["spec"]["strategy"]["rollingUpdate"]
        assert strategy["maxUnavailable"] == 0


def test_what_is_scaled_by_waits_on_a_durable_that_exists() -> None:
    """A name that no consumer has would never scale anything."""
    durables = {durable.name for durable in DURABLES}
    scaled = [
        metric["external"]["metric"]["selector"]["matchLabels"]["consumer_name"]
        for document in EVERY
        if document["kind"] == "HorizontalPodAutoscaler"
        for metric in document["spec"]["metrics"]
        if metric["type"] == "External"
    ]
    assert len(scaled) == 3
    assert set(scaled) <= durables


def test_nothing_is_let_in_or_out_by_default() -> None:
    """Each service reaches NATS, MongoDB and names; only ingest and gateway are called."""
    nothing = named("NetworkPolicy", "nothing")["spec"]
    assert nothing["podSelector"] == {}
    assert set(nothing["policyTypes"]) == {"Ingress", "Egress"}
    callers = named("NetworkPolicy", "callers")["spec"]
    assert callers["podSelector"]["matchExpressions"][0]["values"] == ["ingest", "gateway"]


def test_secrets_are_named_and_never_written() -> None:
    """No manifest holds a secret; each that is used is described in the how-to."""
    how_to = (ROOT / "docs" / "how-to" / "run-on-kubernetes.md").read_text("utf-8")
    text = "".join(path.read_text("utf-8") for path in FILES)
    for name, key in re.findall(r"secretKeyRef: \{ name: ([a-z-]+), key: ([a-z-]+) \}", text):
        assert f"`{name}`" in how_to
        assert f"`{key}`" in how_to
    assert "kind: Secret" not in text


def test_the_servers_are_durable() -> None:
    """Three of each, and no acknowledgement before the disk has it."""
    servers = ROOT / "deploy" / "kubernetes" / "servers"
    nats = yaml.safe_load((servers / "nats-values.yaml").read_text("utf-8"))["config"]
    assert nats["cluster"]["replicas"] == 3
    assert nats["jetstream"]["merge"]["sync_interval"] == "always"
    assert nats["nats"]["tls"]["enabled"] is True
    assert nats["merge"]["$include"].endswith("/users.conf")
    mongo = yaml.safe_load((servers / "mongodb.yaml").read_text("utf-8"))["spec"]
    assert mongo["members"] == 3
    users = {user["name"]: user["roles"] for user in mongo["users"]}
    assert users["gateway"] == [{"name": "read", "db": "casetrail_audit"}]
    assert set(users) == {"routing", "tickets", "audit", "audit-changes", "webhooks", "gateway"}


def test_the_roles_in_mongodb_are_those_of_the_code() -> None:
    """A collection that is new, or a right that is less, is noticed here."""
    path = ROOT / "deploy" / "kubernetes" / "servers" / "mongodb.yaml"
    made = yaml.safe_load(path.read_text("utf-8"))["spec"]["security"]["roles"]
    assert made == [{"db": "casetrail_audit", **role} for role in roles("casetrail_audit")]
