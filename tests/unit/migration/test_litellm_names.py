"""`poolkeeper import litellm`: files inside others, providers by prefix, credentials and fallbacks by name."""

from pathlib import Path

import pytest
import yaml

from unit.migration.test_litellm import Pool, imported, spec_of

INSIDE = {"model_list": [{"model_name": "chat", "litellm_params": {"model": "deepseek/deepseek-flash"}}]}


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "ConfigMap", "data": {"notes": "a: [", "config.yaml": yaml.safe_dump(INSIDE)}},
        {"proxy_config": INSIDE, "replicaCount": 2, "masterkeySecretName": "litellm"},
    ],
    ids=["a ConfigMap", "the values of LiteLLM's chart"],
)
def test_the_file_is_found_where_kubernetes_has_it(tmp_path: Path, document: Pool) -> None:
    (endpoint,) = spec_of(imported(tmp_path, yaml.safe_dump(document)))["endpoints"]

    assert endpoint["url"] == "https://api.deepseek.com/v1"


def deployment(**params: object) -> Pool:
    return {"model_name": "chat", "litellm_params": params}


@pytest.mark.parametrize(
    ("params", "provider", "url"),
    [
        ({"model": "groq/x"}, "OpenAI", "https://api.groq.com/openai/v1"),
        ({"model": "volcengine/x"}, "OpenAI", "https://ark.cn-beijing.volces.com/api/v3"),
        ({"model": "deepinfra/deepseek-ai/x"}, "OpenAI", "https://api.deepinfra.com/v1/openai"),
        ({"model": "ollama/x", "api_base": "http://ollama.ai.svc:11434"}, "Ollama", "http://ollama.ai.svc:11434/v1"),
        ({"model": "ollama_chat/x", "api_base": "http://o.svc:1/v1/"}, "Ollama", "http://o.svc:1/v1"),
        ({"model": "hosted_vllm/x", "api_base": "http://v.svc:8000/v1"}, "VLLM", "http://v.svc:8000/v1"),
    ],
)
def test_a_prefix_is_a_provider_and_an_address(tmp_path: Path, params: Pool, provider: str, url: str) -> None:
    (endpoint,) = spec_of(imported(tmp_path, yaml.safe_dump({"model_list": [deployment(**params)]})))["endpoints"]

    assert (endpoint["provider"], endpoint["url"]) == (provider, url)


def test_a_named_credential_is_that_of_the_deployment(tmp_path: Path) -> None:
    values = {"api_key": "os.environ/OWN", "api_base": "https://own.example/v1"}
    document = {
        "model_list": [
            deployment(model="openai/x", litellm_credential_name="own"),
            deployment(model="deepseek/x", litellm_credential_name="nobody"),
        ],
        "credential_list": [{"credential_name": "own", "credential_values": values, "credential_info": {}}],
    }
    result = imported(tmp_path, yaml.safe_dump(document))
    own, official = spec_of(result)["endpoints"]

    assert (own["url"], own["credentialsRef"]["name"]) == ("https://own.example/v1", "own")
    assert "credentialsRef" not in official
    assert "litellm_credential_name: seen nobody, which is not in credential_list" in result.stderr


def test_general_fallbacks_are_behind_every_other_group(tmp_path: Path) -> None:
    other = {"model_name": "backup", "litellm_params": {"model": "openai/b", "api_base": "https://b.example/v1"}}
    settings = {"default_fallbacks": ["backup", "nobody"]}
    result = imported(
        tmp_path, yaml.safe_dump({"model_list": [deployment(model="deepseek/x"), other], "litellm_settings": settings})
    )

    served = [(one["tier"], [model["name"] for model in one["models"]]) for one in spec_of(result)["endpoints"]]
    assert served == [(0, ["chat"]), (1, ["chat"]), (0, ["backup"])], "who is behind all may be asked for, too"
    assert "default_fallbacks: seen nobody, wanted the model_name of a deployment" in result.stderr


def test_what_a_deployment_says_beside_its_parameters_has_a_line(tmp_path: Path) -> None:
    one = {**deployment(model="deepseek/x"), "model_info": {"mode": "chat"}}
    fallbacks = [{"chat": [{"model": "openai/y"}]}]
    result = imported(tmp_path, yaml.safe_dump({"model_list": [one], "router_settings": {"fallbacks": fallbacks}}))

    assert "note: model_list[0].model_info: not carried over" in result.stderr
    assert "note: fallbacks of chat: seen an object, wanted the model_name of a deployment: left out" in result.stderr
