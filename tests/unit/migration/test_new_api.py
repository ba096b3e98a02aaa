"""`poolkeeper import new-api`: channels as New API and One API list them become pools that validate."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from poolkeeper.cli.main import main

CANARY = "sk-canary-of-a-channel"


def channel(**more: object) -> dict[str, object]:
    given = {"id": 1, "name": "DeepSeek 官方", "type": 43, "status": 1, "models": "deepseek-flash,deepseek-v4-pro"}
    return {**given, "priority": 10, "weight": 0, "group": "default", "response_time": 900, "key": CANARY, **more}


OWN = channel(id=2, name="own", type=1, base_url="http://vllm.example:8000", models="deepseek-flash", priority=0)
MAPPED = channel(
    id=3, name="路由", type=20, model_mapping='{"deepseek-flash": "deepseek/deepseek-v4.1-flash"}', weight=30
)
SHAPES: dict[str, object] = {
    "a page of the API": {"success": True, "data": {"items": [channel(), OWN], "total": 2}},
    "One API's list": {"success": True, "data": [channel(), OWN]},
    "the bare list": [channel(), MAPPED],
    "one disabled": [channel(), channel(id=9, status=2)],
    "the same name twice": [channel(), channel(id=4)],
}


def imported(folder: Path, document: object) -> Result:
    (folder / "channels.json").write_text(json.dumps(document, ensure_ascii=False))
    return CliRunner().invoke(main, ["import", "new-api", str(folder / "channels.json"), "--name", "chat"])


def endpoints(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = yaml.safe_load(result.stdout)["spec"]["endpoints"]
    return found


@pytest.mark.parametrize("document", SHAPES.values(), ids=SHAPES)
def test_what_comes_out_is_valid(tmp_path: Path, document: object) -> None:
    result = imported(tmp_path, document)
    assert result.exit_code == 0, result.output
    (tmp_path / "pool.yaml").write_text(result.stdout)

    checked = CliRunner().invoke(main, ["validate", "-f", str(tmp_path / "pool.yaml")])
    assert checked.exit_code == 0, checked.output
    assert CANARY not in result.output


def test_a_higher_priority_is_an_upper_tier(tmp_path: Path) -> None:
    assert [(one["name"], one["tier"]) for one in endpoints(imported(tmp_path, [OWN, channel()]))] == [
        ("own", 1),
        ("deepseek", 0),
    ]


def test_a_mapping_of_models_is_kept(tmp_path: Path) -> None:
    (one,) = endpoints(imported(tmp_path, [MAPPED]))

    assert (one["provider"], one["url"], one["weight"]) == ("OpenRouter", "https://openrouter.ai/api/v1", 30)
    assert {"name": "deepseek-flash", "upstreamName": "deepseek/deepseek-v4.1-flash"} in one["models"]


def test_each_thing_that_is_not_carried_over_has_its_line(tmp_path: Path) -> None:
    odd = channel(id=7, param_override='{"temperature": 0}', key="a\nb", group="vip")
    result = imported(tmp_path, [odd, channel(id=8, type=14, name="claude"), channel(id=9, status=3)])

    for line in (
        "channel 7 (DeepSeek 官方).param_override: not carried over",
        "channel 7 (DeepSeek 官方).group: not carried over",
        "channel 7 (DeepSeek 官方): put its API keys into Secret deepseek-key, keys api-key-1 to api-key-2",
        "channel 8 (claude): seen type 14, whose API is not OpenAI's: left out",
        "channel 9 (DeepSeek 官方): disabled there: left out",
    ):
        assert f"note: {line}" in result.stderr


ONE_API = {"config": "", "priority": 0}
"""A member that only its channels have."""


@pytest.mark.parametrize(
    ("how", "want"),
    [
        ({"type": 43, "base_url": ""}, "https://api.deepseek.com/v1"),
        ({"type": 43, "base_url": None}, "https://api.deepseek.com/v1"),
        ({"type": 45, "base_url": ""}, "https://ark.cn-beijing.volces.com/api/v3"),
        (
            {"type": 17, "base_url": "https://dashscope.aliyuncs.com"},
            "https://dashscope.aliyuncs.com/compatible-mode/v1",
        ),
        ({"type": 8, "base_url": "https://own.example/v1/chat/completions"}, "https://own.example/v1"),
        ({"type": 1, "base_url": "https://own.example/v1/"}, "https://own.example/v1"),
        ({"type": 36, **ONE_API}, "https://api.deepseek.com/v1"),
        ({"type": 40, **ONE_API}, "https://ark.cn-beijing.volces.com/api/v3"),
        ({"type": 41, **ONE_API}, "https://api.novita.ai/v3/openai"),
    ],
)
def test_a_type_is_an_address(tmp_path: Path, how: dict[str, Any], want: str) -> None:
    """One API and New API give the same numbers to different services."""
    (one,) = endpoints(imported(tmp_path, [channel(**how)]))

    assert one["url"] == want


@pytest.mark.parametrize(
    ("how", "want"),
    [
        ({"type": 14, "base_url": "https://api.anthropic.com"}, "seen type 14, whose API is not OpenAI's"),
        ({"type": 36}, "seen type 36, whose API is not OpenAI's"),
        ({"type": 43, **ONE_API}, "seen type 43, whose API is not OpenAI's"),
        ({"type": 47}, "base_url: seen nothing, wanted an address"),
        ({"type": 26, "base_url": "glm-coding-plan"}, "base_url: seen glm-coding-plan, wanted an address"),
        ({"type": "deepseek"}, "seen type deepseek, whose API is not OpenAI's"),
        ({"type": [43]}, "seen type [43], whose API is not OpenAI's"),
    ],
)
def test_what_speaks_another_api_is_left_out_with_a_line(tmp_path: Path, how: dict[str, Any], want: str) -> None:
    result = imported(tmp_path, [channel(**how)])

    assert result.exit_code == 1
    assert want in result.stderr


@pytest.mark.parametrize("document", [{}, [], {"data": None}, [3], {"success": False, "message": "no"}])
def test_without_a_usable_channel_it_says_so(tmp_path: Path, document: object) -> None:
    result = imported(tmp_path, document)

    assert result.exit_code == 1
    assert "wanted at least one" in result.stderr


@pytest.mark.parametrize(
    ("how", "want"),
    [
        ({"key": "a\nb\nc"}, 3),
        ({"channel_info": {"is_multi_key": True, "multi_key_size": 2}}, 2),
        ({"channel_info": {"is_multi_key": False, "multi_key_size": 0}}, 0),
        ({"channel_info": {"is_multi_key": True, "multi_key_size": 40}}, 8),
    ],
)
def test_a_channel_with_several_keys_is_an_endpoint_with_several(
    tmp_path: Path, how: dict[str, Any], want: int
) -> None:
    (one,) = endpoints(imported(tmp_path, [channel(**how)]))

    assert len(one.get("credentialsRefs", ())) == want
    assert ("credentialsRef" in one) == (want == 0)
