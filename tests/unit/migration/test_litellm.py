"""`poolkeeper import litellm`: shapes of config.yaml as its documentation shows them become pools that validate."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from poolkeeper.cli.main import main

Pool = dict[str, Any]
CANARY = "sk-canary-in-the-file"

DEEPSEEK = """
model_list:
  - model_name: deepseek-flash
    litellm_params: {model: deepseek/deepseek-flash, api_key: os.environ/DEEPSEEK_API_KEY}
"""
BALANCED = """
model_list:
  - model_name: chat
    litellm_params: {model: deepseek/deepseek-flash, api_key: os.environ/DEEPSEEK_API_KEY, weight: 2, rpm: 100}
  - model_name: chat
    litellm_params: {model: openrouter/deepseek/deepseek-v4.1-flash, api_key: os.environ/OPENROUTER_API_KEY, weight: 1}
router_settings: {routing_strategy: simple-shuffle, num_retries: 2, allowed_fails: 3, cooldown_time: 30, timeout: 120}
"""
FALLBACK = """
model_list:
  - model_name: chat
    litellm_params: {model: deepseek/deepseek-flash, api_key: os.environ/DEEPSEEK_API_KEY}
  - model_name: backup
    litellm_params: {model: hosted_vllm/deepseek-distill, api_base: "http://vllm.example:8000/v1"}
litellm_settings: {fallbacks: [{chat: [backup]}], request_timeout: 600, drop_params: true}
"""
CHAIN = """
model_list:
  - model_name: chat
    litellm_params: {model: deepseek/deepseek-v4-pro, api_key: os.environ/A}
  - model_name: second
    litellm_params: {model: together_ai/deepseek-ai/DeepSeek-V4, api_key: os.environ/B}
  - model_name: third
    litellm_params: {model: openai/own, api_base: "https://own.example/v1", api_key: os.environ/C}
router_settings: {fallbacks: [{chat: [second, third]}]}
"""
ORDER = """
model_list:
  - model_name: chat
    litellm_params: {model: deepseek/deepseek-flash, api_key: os.environ/A, order: 1}
  - model_name: chat
    litellm_params: {model: openai/x, api_base: "https://own.example/v1", api_key: os.environ/B, order: 2}
"""
TWO_MODELS = """
model_list:
  - model_name: deepseek-flash
    litellm_params: {model: deepseek/deepseek-flash, api_key: os.environ/K, max_parallel_requests: 20}
  - model_name: deepseek-v4-pro
    litellm_params: {model: deepseek/deepseek-v4-pro, api_key: os.environ/K, max_parallel_requests: 20}
"""
INLINE_KEY = f"""
model_list:
  - model_name: chat
    litellm_params: {{model: deepseek/deepseek-flash, api_key: {CANARY}}}
general_settings: {{master_key: sk-master, database_url: postgresql://x}}
"""
MIXED = """
model_list:
  - model_name: chat
    litellm_params: {model: azure/gpt, api_base: "https://x.openai.azure.com", api_key: os.environ/A}
  - model_name: chat
    litellm_params: {model: deepseek/deepseek-flash, api_key: os.environ/B}
environment_variables: {REDIS_HOST: localhost}
"""
BARE = """
model_list:
  - model_name: gpt-x
    litellm_params: {model: gpt-x, api_base: "https://own.example/v1/", api_key: os.environ/OWN}
"""
KEY_OVER_HTTP = """
model_list:
  - model_name: chat
    litellm_params: {model: openai/own, api_base: "http://own.example:8000/v1", api_key: os.environ/OWN}
"""
SHAPES = {
    "the official API": DEEPSEEK,
    "two by weight": BALANCED,
    "a fallback": FALLBACK,
    "a chain of fallbacks": CHAIN,
    "by order": ORDER,
    "two models at one place": TWO_MODELS,
    "a key in the file": INLINE_KEY,
    "one that speaks another API": MIXED,
    "no prefix": BARE,
    "a key over plain http": KEY_OVER_HTTP,
}


def imported(folder: Path, text: str) -> Result:
    (folder / "config.yaml").write_text(text)
    return CliRunner().invoke(main, ["import", "litellm", str(folder / "config.yaml")])


def spec_of(result: Result) -> Pool:
    assert result.exit_code == 0, result.output
    pool: Pool = next(yaml.safe_load_all(result.stdout))
    spec: Pool = pool["spec"]
    return spec


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_what_comes_out_is_valid(tmp_path: Path, text: str) -> None:
    result = imported(tmp_path, text)
    assert result.exit_code == 0, result.output
    (tmp_path / "pool.yaml").write_text(result.stdout)

    checked = CliRunner().invoke(main, ["validate", "-f", str(tmp_path / "pool.yaml")])
    assert checked.exit_code == 0, checked.output
    assert "valid: EndpointPool default/imported, FailoverPolicy default/imported" in checked.output


def test_weights_retries_and_cooldowns_are_kept(tmp_path: Path) -> None:
    result = imported(tmp_path, BALANCED)
    pool, policy = yaml.safe_load_all(result.stdout)

    found = {one["name"]: (one["tier"], one["weight"]) for one in pool["spec"]["endpoints"]}
    assert found == {"deepseek": (0, 200), "openrouter": (0, 100)}
    assert policy["spec"] == {
        "retry": {"maxAttempts": 3},
        "circuitBreaker": {"consecutiveFailures": 4, "recoveryTimeout": "30s"},
        "timeouts": {"request": "120s"},
    }
    assert "model_list[0].litellm_params.rpm: not carried over" in result.stderr
    assert "router_settings.routing_strategy: not carried over" in result.stderr


def test_a_fallback_is_a_lower_tier_under_the_name_that_was_asked_for(tmp_path: Path) -> None:
    spec = spec_of(imported(tmp_path, CHAIN))

    assert spec["models"] == ["chat"]
    assert [(one["name"], one["tier"], one["models"][0]["upstreamName"]) for one in spec["endpoints"]] == [
        ("deepseek", 0, "deepseek-v4-pro"),
        ("together", 1, "deepseek-ai/DeepSeek-V4"),
        ("own", 2, "own"),
    ]


def test_the_same_place_for_two_models_is_one_endpoint(tmp_path: Path) -> None:
    (endpoint,) = spec_of(imported(tmp_path, TWO_MODELS))["endpoints"]

    assert endpoint["maxConnections"] == 20
    assert "models" not in endpoint


def test_no_key_is_copied(tmp_path: Path) -> None:
    result = imported(tmp_path, INLINE_KEY)

    assert CANARY not in result.output and "sk-master" not in result.output
    assert "an API key in the file is not copied; put it into Secret imported-0, key api-key" in result.stderr
    assert "general_settings.master_key: use access.clients" in result.stderr


def test_what_speaks_another_api_is_named_and_left_out(tmp_path: Path) -> None:
    result = imported(tmp_path, MIXED)

    assert [one["provider"] for one in spec_of(result)["endpoints"]] == ["DeepSeek"]
    assert "note: model_list[0]: seen azure/gpt; its API is not OpenAI's" in result.stderr
    assert "note: environment_variables: not carried over" in result.stderr


@pytest.mark.parametrize("text", ["", "a list\n", "- 1\n", "model_list: 3\n", "model_list: [{}]\n", "{"])
def test_what_is_no_configuration_ends_with_what_was_wanted(tmp_path: Path, text: str) -> None:
    result = imported(tmp_path, text)

    assert result.exit_code == 1
    assert "wanted" in result.stderr
    assert "Traceback" not in result.output


OTHERS = """
model_list:
  - model_name: "*"
    litellm_params: {model: openai/*, api_key: os.environ/OPENAI_API_KEY}
  - model_name: by-variable
    litellm_params: {model: openai/x, api_base: os.environ/BASE}
  - model_name: no-parameters
  - model_name: "%s"
    litellm_params: {model: openai/y, api_base: "https://own.example/v1"}
  - model_name: chat
    litellm_params: {model: deepseek/deepseek-flash, weight: .inf}
""" % ("n" * 200)


def test_each_deployment_that_no_pool_can_have_is_left_out_with_a_line(tmp_path: Path) -> None:
    result = imported(tmp_path, OTHERS)

    assert spec_of(result)["models"] == ["chat"]
    for line in (
        "model_list[0]: seen model_name *; a pool names its models: left out",
        "model_list[1].litellm_params.api_base: seen os.environ/BASE; write the address in its place: left out",
        "model_list[2].litellm_params.model: seen nothing, wanted a model: left out",
        "is left out",
    ):
        assert line in result.stderr


def test_an_alias_is_a_model_with_the_deployments_of_its_group(tmp_path: Path) -> None:
    text = (
        FALLBACK + "router_settings: {model_group_alias: {gpt-4: chat, hidden: {model: chat, hidden: true}, odd: none}}"
    )
    spec = spec_of(imported(tmp_path, text))

    assert spec["models"] == ["chat", "gpt-4", "hidden"]
    assert [one["tier"] for one in spec["endpoints"]] == [0, 1]
    assert all({"gpt-4", "hidden"} <= {model["name"] for model in one["models"]} for one in spec["endpoints"])


def test_an_address_of_this_machine_is_kept_and_said(tmp_path: Path) -> None:
    text = 'model_list: [{model_name: chat, litellm_params: {model: openai/x, api_base: "http://localhost:8000/v1"}}]'
    result = imported(tmp_path, text)

    assert spec_of(result)["endpoints"][0]["url"] == "http://localhost:8000/v1"
    assert "`poolkeeper run` takes that, a cluster does not" in result.stderr


def test_bytes_that_are_no_text_are_no_configuration(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_bytes(b"\xff\xfe\x00\xd8")
    result = CliRunner().invoke(main, ["import", "litellm", str(file)])

    assert result.exit_code == 1 and "wanted the file of litellm" in result.stderr
