"""Whatever another gateway's file says: an import gives a pool that validates, or says that nothing could be made."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from poolkeeper.api.endpoint_pool import EndpointPool
from poolkeeper.api.failover_policy import FailoverPolicy
from poolkeeper.migration.imported import Imported
from poolkeeper.migration.litellm import litellm
from poolkeeper.migration.new_api import new_api
from poolkeeper.migration.valid import only_valid

ODD = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.just([]), st.just({})
)
NAMES = st.one_of(st.sampled_from(["chat", "deepseek-flash", "a/b", "*", "x" * 200, "", "名字", "a b", "a,b"]), ODD)
URLS = st.one_of(
    st.sampled_from(
        [
            "https://own.example/v1", "http://own.example", "http://127.0.0.1:8000", "https://", "https://u:p@h.example/v1",
            "https://h.example/v1?key=1", "http://h.example:99999/", "http://[::1]/", "http://[fe80::1", "ftp://x", "https://ä.example",
            "os.environ/BASE", "https://a..b/v1", "http://169.254.169.254/",
        ]
    ),
    ODD,
)  # fmt: skip
KEYS = st.one_of(st.sampled_from(["os.environ/KEY", "os.environ/", "os.environ/MY.KEY Ä", "sk-1", "a\nb\nc"]), ODD)


def mostly(good: dict[str, Any], **odd: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good one in which at most two fields are odd."""
    changes = st.dictionaries(st.sampled_from(sorted(odd)), st.none(), max_size=2).flatmap(
        lambda chosen: st.fixed_dictionaries({name: odd[name] for name in chosen})
    )
    return changes.map(lambda changed: {**good, **changed})


def usually(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One in ten is odd. (one_of would count each kind of odd value as much as the good ones.)"""
    return st.integers(0, 9).flatmap(lambda number: ODD if number == 9 else good)


PARAMS = mostly(
    {"model": "openai/y", "api_base": "https://own.example/v1"},
    model=st.one_of(st.sampled_from(["deepseek/x", "openai/", "/", "hosted_vllm/z", "bare", "o" * 200]), ODD),
    api_base=URLS, api_key=KEYS, weight=ODD, order=ODD, max_parallel_requests=ODD, rpm=ODD,
)  # fmt: skip
GROUPS = st.lists(
    usually(mostly({"model_name": "chat"}, model_name=NAMES, x=ODD).flatmap(
        lambda one: usually(PARAMS).map(lambda params: {**one, "litellm_params": params})
    )),
    min_size=1,
    max_size=5,
)  # fmt: skip
FALLBACKS = st.lists(st.dictionaries(st.sampled_from(["chat", "x"]), st.lists(NAMES, max_size=3)), max_size=2)
SETTINGS = mostly(
    {}, num_retries=ODD, allowed_fails=ODD, cooldown_time=ODD, timeout=ODD, request_timeout=ODD, stream_timeout=ODD,
    fallbacks=st.one_of(FALLBACKS, ODD),
    model_group_alias=st.one_of(st.dictionaries(st.text(max_size=4), NAMES, max_size=3), ODD),
)  # fmt: skip
LITELLM = st.fixed_dictionaries(
    {"model_list": usually(GROUPS), "litellm_settings": SETTINGS, "router_settings": SETTINGS}
)
CHANNELS = st.lists(
    usually(
        mostly(
            {"id": 1, "name": "own", "type": 43, "status": 1, "models": "deepseek-flash"},
            id=ODD, name=NAMES, type=st.one_of(st.sampled_from([1, 20, 40, 14]), ODD), status=st.sampled_from([1, 2]),
            priority=ODD, weight=ODD, models=st.one_of(st.sampled_from(["a,b", ",", "*,a", "a,a", "m" * 200]), ODD),
            base_url=URLS, model_mapping=st.one_of(st.sampled_from(['{"a": "b"}', "{", '{"a": ""}', "[1]"]), ODD),
            key=KEYS,
            channel_info=mostly({}, is_multi_key=ODD, multi_key_size=ODD),
        ),
    ),
    min_size=1,
    max_size=5,
)  # fmt: skip


def judge(made: Imported) -> None:
    for one in made.manifests:
        kind = EndpointPool if one["kind"] == "EndpointPool" else FailoverPolicy
        assert isinstance(kind.parse(one, local=True), kind)
        cluster = kind.parse(one)
        said = cluster if isinstance(cluster, tuple) else ()
        assert all(any(note.startswith(str(problem)) for note in made.notes) for problem in said)
    assert made.manifests or made.notes


@given(LITELLM)
def test_of_any_litellm_file(document: dict[str, Any]) -> None:
    judge(only_valid(litellm(document, "imported")))


@given(usually(st.one_of(CHANNELS, st.fixed_dictionaries({"data": CHANNELS}))))
def test_of_any_list_of_channels(document: object) -> None:
    judge(only_valid(new_api(document, "imported")))
