"""`poolkeeper validate` and `render`: every problem with its place, and the same bytes for the same files."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from poolkeeper.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = [
    *(path for path in sorted((ROOT / "examples").glob("*.yaml")) if path.name != "local.yaml"),
    ROOT / "examples/demo/pool.yaml",
]
"""For a cluster; local.yaml is for `poolkeeper run`."""

POOL = """\
apiVersion: poolkeeper.dev/v1alpha1
kind: EndpointPool
metadata: {name: chat}
spec:
  models: [deepseek-flash]
  endpoints:
  - {name: official, url: "https://api.deepseek.com/v1", credentialsRef: {name: deepseek, key: api-key}}
"""
POLICY = "apiVersion: poolkeeper.dev/v1alpha1\nkind: FailoverPolicy\nmetadata: {name: standard}\nspec: {}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: deepseek}\nstringData: {api-key: sk-canary}\n"


def poolkeeper(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def write(folder: Path, *documents: str) -> Path:
    file = folder / "pool.yaml"
    file.write_text("---\n".join(documents))
    return file


@pytest.mark.parametrize(
    "documents",
    [
        (POOL,),
        (POOL, SECRET),
        (POOL + "  failoverPolicyRef: {name: standard}\n", POLICY),
    ],
)
def test_valid_files_are_named_and_the_exit_is_0(tmp_path: Path, documents: tuple[str, ...]) -> None:
    result = poolkeeper("validate", "-f", write(tmp_path, *documents))

    assert result.exit_code == 0, result.output
    assert "valid: EndpointPool default/chat" in result.output


@pytest.mark.parametrize(
    ("documents", "want"),
    [
        (
            (POOL.replace("weight", "").replace("official,", "official, wieght: 5,"),),
            "document 1: EndpointPool/chat: spec.endpoints[0].wieght: unknown field; did you mean weight?",
        ),
        (
            (POOL + "  failoverPolicyRef: {name: standard}\n",),
            "document 1: EndpointPool/chat: spec.failoverPolicyRef.name: names FailoverPolicy 'standard', "
            "but the files have none",
        ),
        (
            (POOL, SECRET.replace("name: deepseek", "name: other")),
            "spec.endpoints[0].credentialsRef: names Secret 'deepseek', but the files have other",
        ),
        (
            (POOL, SECRET.replace("api-key", "token")),
            "names the key 'api-key' of Secret 'deepseek', whose keys are: token",
        ),
        ((POOL, SECRET.replace("sk-canary", '" "')), "of Secret 'deepseek', which is empty"),
    ],
)
def test_a_problem_has_file_document_path_and_what_to_do(tmp_path: Path, documents: tuple[str, ...], want: str) -> None:
    file = write(tmp_path, *documents)

    result = poolkeeper("validate", "-f", file)

    assert result.exit_code == 1
    assert str(file) in result.stdout
    assert want in result.stdout
    assert "canary" not in result.output


def test_what_is_valid_and_does_nothing_is_noted(tmp_path: Path) -> None:
    result = poolkeeper(
        "validate", "-f", write(tmp_path, POOL.replace("official,", "official, models: [{name: chat}],"))
    )

    assert result.exit_code == 0
    assert "note: EndpointPool default/chat: unused field:" in result.stderr
    assert "spec.models: deepseek-flash (no endpoint has it)" in result.stderr


def test_a_manifest_may_come_from_a_pipe() -> None:
    result = CliRunner().invoke(main, ["validate", "-f", "-"], input=POOL.replace("official", "Official"))

    assert result.exit_code == 1
    assert "-, document 1: EndpointPool/chat: spec.endpoints[0].name: must be a DNS label" in result.stdout


def test_a_run_wants_files_that_it_can_read_again() -> None:
    result = CliRunner().invoke(main, ["run", "-f", "-"], input=POOL)

    assert result.exit_code == 1
    assert "poolkeeper: seen -f -; wanted a file or a folder" in result.stderr


def test_all_problems_of_all_documents_come_at_once(tmp_path: Path) -> None:
    pool = POOL.replace("official", "Official").replace("models: [deepseek-flash]", "models: []")

    result = poolkeeper("validate", "-f", write(tmp_path, pool, POLICY.replace("spec: {}", "spec: {retry: 3}")))

    assert result.exit_code == 1
    for want in ("spec.models", "spec.endpoints[0].name", "FailoverPolicy/standard: spec.retry"):
        assert want in result.stdout
    assert "problems" in result.stderr


def test_loopback_is_for_run_alone(tmp_path: Path) -> None:
    file = write(tmp_path, POOL.replace("https://api.deepseek.com", "http://127.0.0.1:8000"))

    assert poolkeeper("validate", "-f", file).exit_code == 1
    assert poolkeeper("validate", "--local", "-f", file).exit_code == 0


def test_render_prints_what_the_operator_applies(tmp_path: Path) -> None:
    result = poolkeeper("render", "-f", write(tmp_path, POOL, SECRET))

    objects = list(yaml.safe_load_all(result.stdout))
    kinds = ["ConfigMap", "Service", "NetworkPolicy", "PodDisruptionBudget", "Deployment"]
    assert [item["kind"] for item in objects] == kinds
    assert "canary" not in result.output


def test_render_is_canonical(tmp_path: Path) -> None:
    file = write(tmp_path, POOL)

    assert len({poolkeeper("render", "-f", file).stdout for _ in range(5)}) == 1


def test_render_refuses_what_validate_refuses(tmp_path: Path) -> None:
    result = poolkeeper("render", "-f", write(tmp_path, POOL.replace("official", "Official")))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "spec.endpoints[0].name" in result.stderr


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.name))
def test_examples_for_a_cluster_are_valid_and_all_that_they_set_has_an_effect(example: Path) -> None:
    result = poolkeeper("validate", "-f", example)

    assert result.exit_code == 0, result.output
    assert "unused field:" not in result.stderr
    assert example.name in (ROOT / "examples/README.md").read_text() or example.parent.name == "demo"


def test_the_example_for_run_is_valid_there() -> None:
    result = poolkeeper("validate", "--local", "-f", ROOT / "examples/local.yaml")

    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", ["validate", "render", "run", "status", "operator"])
def test_every_command_teaches_by_example(command: str) -> None:
    result = poolkeeper(command, "--help")

    assert result.exit_code == 0
    assert f"poolkeeper {command}" in result.output


def test_an_error_is_a_message_without_a_traceback(tmp_path: Path) -> None:
    result = poolkeeper("render", "-f", tmp_path)

    assert result.exit_code == 1
    assert result.stderr.startswith(f"poolkeeper: {tmp_path}: the folder has no file")
    assert "Traceback" not in result.output


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"])
def test_files_that_declare_nothing_are_a_failure(tmp_path: Path, text: str) -> None:
    result = poolkeeper("validate", "-f", write(tmp_path, text))

    assert result.exit_code == 1
    assert "seen no EndpointPool and no FailoverPolicy in these files" in result.stderr


def test_what_is_valid_for_a_run_only_says_so() -> None:
    result = poolkeeper("validate", "-f", ROOT / "examples/local.yaml")

    assert result.exit_code == 1
    assert "With --local, the rules of `poolkeeper run`, these files are valid." in result.stderr


ENDED_NAME = POOL.replace("models: [deepseek-flash]", "models: [deepseek-chat]").replace(
    "official,", "official, provider: DeepSeek,"
)


def test_a_model_name_that_its_provider_has_ended_is_noted(tmp_path: Path) -> None:
    result = poolkeeper("validate", "-f", write(tmp_path, ENDED_NAME))

    assert result.exit_code == 0
    want = "endpoint official: the provider ended the model name deepseek-chat on 2026-07-24; use deepseek-flash"
    assert want in result.stderr


@pytest.mark.parametrize(
    "pool",
    [
        POOL,
        ENDED_NAME.replace("api.deepseek.com", "deepseek.example.com"),
        ENDED_NAME.replace("credentialsRef:", "models: [{name: deepseek-chat, upstreamName: x}], credentialsRef:"),
    ],
    ids=["a name that serves", "another server may keep the name", "the upstream name counts"],
)
def test_no_other_name_is_noted(tmp_path: Path, pool: str) -> None:
    assert "ended" not in poolkeeper("validate", "-f", write(tmp_path, pool)).output


def test_a_name_with_validuntil_in_the_past_is_noted(tmp_path: Path) -> None:
    models = "models: [{name: '*', upstreamName: old, validUntil: '2020-02-29'}], credentialsRef:"
    result = poolkeeper("validate", "-f", write(tmp_path, POOL.replace("credentialsRef:", models)))

    assert result.exit_code == 0
    assert "model names that have ended: old of official (2020-02-29)" in result.stderr


CALENDAR = """\
  calendars: [{name: cn, configMapRef: {name: holidays, key: cn}}]
"""
DATES = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: holidays}\ndata: {cn: "%s"}\n'


@pytest.mark.parametrize(
    ("dates", "want"),
    [
        ("2027-02-31", "spec.calendars[0].configMapRef: ConfigMap holidays, key cn: line 1: seen '2027-02-31'"),
        (None, None),
        ("2027-02-05/2027-02-08", None),
    ],
    ids=["not a date", "made elsewhere", "good"],
)
def test_a_calendar_of_the_files_is_read(tmp_path: Path, dates: str | None, want: str | None) -> None:
    result = poolkeeper("validate", "-f", write(tmp_path, POOL + CALENDAR, *([DATES % dates] if dates else [])))

    assert result.exit_code == (1 if want else 0), result.output
    assert (want or "") in result.stdout
