"""What deploy/kubernetes promises and needs no cluster to hold; the schemas are those of Kubernetes."""

import re
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest
from msgspec import yaml

from api import __version__

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy/kubernetes"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OLDEST: Final = "1.28"
OBJECTS: dict[str, dict[str, Any]] = {
    f"{file.name} {number}": yaml.decode(text)
    for file in sorted(FOLDER.glob("*.yaml"))
    for number, text in enumerate(file.read_text(encoding="utf-8").split("\n---\n"))
}


def named(kind: str, name: str = "") -> dict[str, Any]:
    (found,) = (
        one for one in OBJECTS.values() if one["kind"] == kind and (not name or one["metadata"].get("name") == name)
    )
    return found


DEPLOYMENT, JOB = named("Deployment"), named("Job")
PODS = {"service": DEPLOYMENT["spec"]["template"], "migrate": JOB["spec"]["template"]}


def container(pod: str) -> dict[str, Any]:
    (found,) = PODS[pod]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def secrets(pod: str) -> dict[str, set[str]]:
    """Return which keys of which secret the pod is handed."""
    found: dict[str, set[str]] = {}
    for variable in container(pod)["env"]:
        reference = variable["valueFrom"]["secretKeyRef"]
        found.setdefault(reference["name"], set()).add(reference["key"])
    return found


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
@pytest.mark.parametrize("name", OBJECTS)
def test_it_is_as_kubernetes_has_it(name: str, version: str) -> None:
    kubernetes_validate.validate(OBJECTS[name], version, strict=True)


@pytest.mark.parametrize("pod", PODS)
def test_it_is_locked_down(pod: str) -> None:
    user = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    assert user is not None
    spec = PODS[pod]["spec"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user[1]),
        "runAsGroup": int(user[2]),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False, "PGWALLET_PORT and others would be taken for settings"
    assert container(pod)["resources"].keys() == {"requests", "limits"}


def test_each_is_handed_its_own_secrets_and_all_are_in_the_template() -> None:
    assert secrets("service").keys() == {"pgwallet-service"}
    assert secrets("migrate").keys() == {"pgwallet-administrator"}
    for found in (secrets("service"), secrets("migrate")):
        for name, keys in found.items():
            template = named("Secret", name)["stringData"]
            assert template.keys() == keys
            assert set(template.values()) == {""}, "who applies it as it is must not run with a known secret"


def test_every_variable_is_a_documented_setting() -> None:
    documented = set(re.findall(r"^#(\w+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    given = {variable["name"] for pod in PODS for variable in container(pod)["env"]}
    assert given | named("ConfigMap")["data"].keys() <= documented
    assert container("service")["envFrom"] == [{"configMapRef": {"name": named("ConfigMap")["metadata"]["name"]}}]


def test_the_service_has_time_to_drain() -> None:
    wait = container("service")["lifecycle"]["preStop"]["exec"]["command"]
    assert wait[0] == "sleep"
    timeout = float(named("ConfigMap")["data"]["PGWALLET_SHUTDOWN_TIMEOUT"])
    # the supervisor kills a worker that hangs 2 seconds after its time
    assert PODS["service"]["spec"]["terminationGracePeriodSeconds"] >= int(wait[1]) + timeout + 2 + 5


def test_what_selects_the_pods_finds_them() -> None:
    labels = {pod: PODS[pod]["metadata"]["labels"] for pod in PODS}
    service = [
        DEPLOYMENT["spec"]["selector"]["matchLabels"],
        named("Service")["spec"]["selector"],
        named("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        named("NetworkPolicy", "pgwallet-service")["spec"]["podSelector"]["matchLabels"],
        PODS["service"]["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
    ]
    assert all(selector == labels["service"] for selector in service)
    policy = named("NetworkPolicy", "pgwallet-migrate")["spec"]["podSelector"]["matchLabels"]
    assert policy == labels["migrate"] != labels["service"]


def test_the_probes_ask_what_is_there_at_the_port_of_the_image() -> None:
    service = container("service")
    assert service["ports"] == [{"name": "http", "containerPort": 8080}]
    assert "\nEXPOSE 8080\n" in DOCKERFILE
    assert named("Service")["spec"]["ports"][0]["targetPort"] == "http"
    paths = {name: service[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    live, ready = "/api/health/live", "/api/health/ready"
    # an outage of the database restarts no pod
    assert paths == {"startup": live, "liveness": live, "readiness": ready}


@pytest.mark.parametrize("pod", PODS)
def test_the_image_is_of_this_version(pod: str) -> None:
    assert container(pod)["image"] == f"pgwallet:{__version__}"
