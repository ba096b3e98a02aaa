"""The endpoint's parameters and the model's, as one list of the document: the model's word counts."""

import pytest

from factories import document, endpoint, pool, snapshot

Rules = list[dict[str, object]]

OVER = {"path": "thinking", "set": {"type": "disabled"}}
MEMBER = {"path": "thinking.type", "set": "enabled"}
ALIKE = {"path": "thinking_mode", "set": "x"}


@pytest.mark.parametrize(
    ("of_endpoint", "of_model", "want"),
    [
        pytest.param([MEMBER], [OVER], [("thinking", ())], id="what is set as a whole has no other members"),
        pytest.param(
            [MEMBER], [{"path": "thinking", "remove": True}], [("thinking", ())], id="nor has what is removed"
        ),
        pytest.param([ALIKE], [OVER], [("thinking_mode", ()), ("thinking", ())], id="another name is no member"),
        pytest.param(
            [OVER], [MEMBER], [("thinking", ()), ("thinking.type", ())], id="a member of the model's goes into it"
        ),
        pytest.param(
            [MEMBER],
            [{"path": "thinking", "default": {"type": "disabled"}}],
            [("thinking.type", ()), ("thinking", ())],
            id="a default overrules nothing",
        ),
        pytest.param(
            [MEMBER],
            [{**OVER, "surfaces": ["Chat", "Messages"]}],
            [("thinking.type", ("completions", "responses")), ("thinking", ("chat", "messages"))],
            id="only on its own surfaces",
        ),
        pytest.param(
            [{**MEMBER, "surfaces": ["Chat"]}],
            [{**OVER, "surfaces": ["Chat"]}],
            [("thinking", ("chat",))],
            id="on its only surface",
        ),
    ],
)
def test_the_models_word_counts(of_endpoint: Rules, of_model: Rules, want: list[tuple[str, tuple[str, ...]]]) -> None:
    models = [{"name": "deepseek-flash", "parameters": of_model}]
    one = endpoint("official", provider="DeepSeek", parameters=of_endpoint, models=models)
    found = document(snapshot(pool([one], models=["deepseek-flash"]))).endpoints[0].models[0].parameters

    assert [(rule.path, rule.surfaces) for rule in found] == want
