"""The Compose file, the image and what they mount, checked without a container engine."""

import importlib
import importlib.util
import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.exporters import FeedAccount, exporter_environment
from settings import PROJECT_ROOT, Settings

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OVERRIDES = ("deploy/without-operate.yml", "deploy/publish-operate.yml")
PRODUCT = sorted(name for name, service in SERVICES.items() if "build" in service)
READ_BY_OTHERS = {"PGPASSWORD", "PGCONNECT_TIMEOUT", "FORWARDED_ALLOW_IPS"}
"""What libpq and uvicorn read from the product's environment."""


def resolved(text: str) -> str:
    """Return a value as Compose has it when no variable is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def pinned(image: str) -> bool:
    """Tell whether an image names a version in full; ``16`` or ``latest`` move."""
    name, _, tag = image.partition(":")
    return bool(name) and re.match(r"\d+\.\d+\.\d+|\d+\.\d+-", tag) is not None


def modules_named(command: list[str]) -> Iterator[str]:
    for flag, module in itertools.pairwise(command):
        if flag == "-m":
            yield module


def known_settings() -> set[str]:
    """Return every environment variable the settings read."""
    names = set()
    for name, field in Settings.model_fields.items():
        names.add(f"TONGQUAN_{name.upper()}")
        if field.validation_alias is not None:
            names |= set(field.validation_alias.choices)  # type: ignore[union-attr, arg-type]
    return names


@pytest.mark.parametrize("file", ["docker-compose.yml", *OVERRIDES])
def test_a_file_is_valid_by_the_compose_specification(file: str) -> None:
    package = pytest.importorskip("check_jsonschema", reason="carries the schema of the Compose specification")
    validator = importlib.import_module("jsonschema").Draft202012Validator
    folder = Path(package.__file__).parent / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text(encoding="utf-8"))
    document = yaml.safe_load((PROJECT_ROOT / file).read_text(encoding="utf-8"))
    assert [f"{list(error.path)}: {error.message}" for error in validator(schema).iter_errors(document)] == []
    document["services"]["zeebe" if "zeebe" in document["services"] else "operate"]["imgae"] = "misspelt"
    assert list(validator(schema).iter_errors(document))


def test_the_whole_stack_is_there() -> None:
    assert set(SERVICES) == {"api", "workers", "bridge", "setup", "postgres", "zeebe", "operate", "elasticsearch"}
    assert PRODUCT == ["api", "bridge", "setup", "workers"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    assert pinned(resolved(SERVICES[name]["image"]))


def test_engine_and_operate_are_of_one_line() -> None:
    assert SERVICES["zeebe"]["image"] == "camunda/zeebe:8.5.8"
    assert SERVICES["operate"]["image"].startswith("camunda/operate:8.5.")


@pytest.mark.parametrize("name", SERVICES)
def test_every_lasting_service_is_watched(name: str) -> None:
    service = SERVICES[name]
    check = service["healthcheck"]
    if service["restart"] == "no":
        assert check == {"disable": True}
    else:
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert {"interval", "timeout", "retries", "start_period"} <= set(check)
        assert service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_has_the_least_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert not str(service["user"]).startswith(("0", "root"))
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "elasticsearch")
    assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"])


def test_only_the_web_publishes_a_port_and_by_default_on_loopback() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"api"}
    assert [resolved(port) for port in SERVICES["api"]["ports"]] == ["127.0.0.1:8000:8000"]


def test_only_the_web_is_on_a_network_with_a_way_out() -> None:
    open_networks = {name for name, network in COMPOSE["networks"].items() if not (network or {}).get("internal")}
    assert open_networks == {"web"}
    members = {net: {name for name, one in SERVICES.items() if net in one["networks"]} for net in COMPOSE["networks"]}
    assert members == {
        "web": {"api"},
        "data": {"api", "workers", "bridge", "setup", "postgres"},
        "engine": {"workers", "bridge", "setup", "zeebe"},
        "search": {"zeebe", "operate", "elasticsearch"},
    }


@pytest.mark.parametrize("name", PRODUCT)
def test_the_product_knows_every_variable_it_is_given(name: str) -> None:
    given = {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]}
    assert given <= known_settings() | READ_BY_OTHERS


@pytest.mark.parametrize("name", PRODUCT)
def test_every_command_names_a_module_that_exists(name: str) -> None:
    service = SERVICES[name]
    modules = [*modules_named(service["command"]), *modules_named(service["healthcheck"].get("test", []))]
    assert modules
    for module in modules:
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        if spec.submodule_search_locations is not None:
            assert importlib.util.find_spec(f"{module}.__main__"), module


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_just_the_secrets_it_reads(name: str) -> None:
    service = SERVICES[name]
    granted = set(service.get("secrets", []))
    assert granted <= set(COMPOSE["secrets"])
    text = json.dumps(service["environment"])
    read = set(re.findall(r"/run/secrets/(\w+)", text))
    if "configtree:/run/secrets/" in text:
        mounted = [COMPOSE["configs"][one["source"]]["file"] for one in service["configs"]]
        read |= {name for file in mounted for name in re.findall(r"\$\{([a-z_]+)\}", (PROJECT_ROOT / file).read_text())}
    assert read == granted


def test_no_secret_stands_in_the_file() -> None:
    for service in SERVICES.values():
        for variable, value in service["environment"].items():
            if re.search(r"PASSWORD|SECRET|KEY", variable):
                assert str(value).startswith("/run/secrets/"), variable
    assert {one["file"] for one in COMPOSE["secrets"].values()} == {
        f"./deploy/secrets/{name}" for name in COMPOSE["secrets"]
    }
    assert (PROJECT_ROOT / "deploy/secrets/.gitignore").read_text().split() == ["*", "!.gitignore"]


def test_everything_referred_to_exists() -> None:
    for config in COMPOSE["configs"].values():
        assert (PROJECT_ROOT / config["file"]).is_file()
    for service in SERVICES.values():
        for name, wanted in service.get("depends_on", {}).items():
            lasting = SERVICES[name]["restart"] != "no"
            assert wanted["condition"] == ("service_healthy" if lasting else "service_completed_successfully")
        for mount in service.get("volumes", []):
            assert mount.split(":")[0] in COMPOSE["volumes"]
        for config in service.get("configs", []):
            assert config["source"] in COMPOSE["configs"]
            assert f"file:{config['target']}" in service["environment"]["SPRING_CONFIG_IMPORT"]


def test_what_the_entrypoint_reads_from_files_is_what_the_services_are_given() -> None:
    script = (PROJECT_ROOT / "deploy/entrypoint.sh").read_text()
    names = re.search(r"^for name in (.*?); do$", script, re.DOTALL | re.MULTILINE)
    assert names is not None
    supported = set(names.group(1).replace("\\\n", " ").split())
    for name in PRODUCT:
        files = {one.removesuffix("_FILE") for one in SERVICES[name]["environment"] if one.endswith("_FILE")}
        assert files <= supported


def test_the_engine_exports_to_the_bridge_what_the_embedded_one_does() -> None:
    exporters = exporters_of("deploy/zeebe/feed.yaml")
    for exporter in exporters.values():
        named = exporter["args"]["authentication"]
        assert named == {"username": "${TONGQUAN_FEED_USERNAME}", "password": "${feed_password}"}
    flat = {
        f"ZEEBE_BROKER_EXPORTERS_{path}": str(value).lower() if isinstance(value, bool) else str(value)
        for path, value in leaves(exporters)
    }
    port = SERVICES["bridge"]["environment"]["FEED_BIND"].rpartition(":")[2]
    account = FeedAccount(named["username"], named["password"])
    assert flat == exporter_environment(f"http://bridge:{port}", account, controlled_clock=False)
    names = {SERVICES[name]["environment"]["TONGQUAN_FEED_USERNAME"] for name in ("zeebe", "bridge")}
    assert len(names) == 1


def test_operate_reads_what_the_engine_writes_for_it() -> None:
    (exporter,) = exporters_of("deploy/zeebe/search.yaml").values()
    operate = yaml.safe_load((PROJECT_ROOT / "deploy/operate/application.yaml").read_text())["camunda"]["operate"]
    assert operate["zeebeElasticsearch"]["prefix"] == exporter["args"]["index"]["prefix"]
    assert {operate[store]["url"] for store in ("zeebeElasticsearch", "elasticsearch")} == {exporter["args"]["url"]}


def test_without_operate_the_engine_has_no_exporter_to_a_store_that_is_missing() -> None:
    override = yaml.safe_load((PROJECT_ROOT / "deploy/without-operate.yml").read_text())["services"]
    whole = SERVICES["zeebe"]["environment"]["SPRING_CONFIG_IMPORT"]
    imports = override["zeebe"]["environment"]["SPRING_CONFIG_IMPORT"]
    assert imports == whole.replace("file:/etc/zeebe/search.yaml,", "")
    assert {name for name, service in override.items() if service.get("profiles")} == {"operate", "elasticsearch"}
    assert SERVICES["zeebe"]["depends_on"]["elasticsearch"]["required"] is False


def test_the_image_is_built_from_pinned_ones_and_runs_as_the_user_compose_names() -> None:
    lines = (PROJECT_ROOT / "Dockerfile").read_text().splitlines()
    images = [line.split("=", 1)[1] for line in lines if re.match(r"ARG \w+_IMAGE=", line)]
    assert len(images) == 2
    assert all(pinned(image) for image in images)
    final = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert f"USER {SERVICES['api']['user']}" in final
    assert any(line.startswith("HEALTHCHECK ") for line in final)
    assert not any(re.search(r"pip install|apt-get|npm ", line) for line in final)


def test_the_builder_is_given_all_of_the_product_and_no_secret() -> None:
    rules = [line for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    setuptools = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    product = {name.rstrip("*") for name in setuptools["packages"]["find"]["include"]} | {
        f"{name}.py" for name in setuptools["py-modules"]
    }
    assert product | {"bpmn", "deploy", "requirements.lock"} <= allowed
    assert rules.index("deploy/secrets") > rules.index("!deploy")
    assert ".env" not in allowed


def test_the_example_names_every_variable_a_reader_may_set() -> None:
    example = set(re.findall(r"^#?([A-Z_]+)=", (PROJECT_ROOT / ".env.example").read_text(), re.MULTILINE))
    asked = set(re.findall(r"\$\{([A-Z_]+):-", (PROJECT_ROOT / "docker-compose.yml").read_text()))
    assert asked - example == {"TONGQUAN_VERSION"}
    assert example - asked == set(SERVICES["api"]["build"]["args"])


def exporters_of(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / file).read_text())["zeebe"]["broker"]["exporters"]
    return found


def leaves(tree: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{path}_{key.upper()}" if path else key.upper()
        if isinstance(value, dict):
            yield from leaves(value, name)
        else:
            yield name, value


def test_the_unified_sign_in_adds_what_the_product_knows_and_one_secret() -> None:
    override = yaml.safe_load((PROJECT_ROOT / "deploy/unified-sign-in.yml").read_text())
    assert set(override["services"]) == {"api"}
    added = override["services"]["api"]
    assert {name.removesuffix("_FILE") for name in added["environment"]} <= known_settings()
    assert added["secrets"] == [*SERVICES["api"]["secrets"], "oidc_client_secret"]
    assert override["secrets"] == {"oidc_client_secret": {"file": "./deploy/secrets/oidc_client_secret"}}
    assert added["environment"]["TONGQUAN_OIDC_CLIENT_SECRET_FILE"] == "/run/secrets/oidc_client_secret"
