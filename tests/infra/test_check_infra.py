"""The check of infra/: nothing is wrong with ours, and every kind of mistake is found."""

import shutil
from pathlib import Path

import pytest

from scripts import check_infra
from scripts.bicep import UNKNOWN, parse, syntax_errors, value_of

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    ".funcignore", "azure.yaml", "host.json", "local.settings.json.example", "pyproject.toml",
)  # fmt: skip
APP, COSMOS, RIGHTS = (f"infra/modules/{name}.bicep" for name in ("app", "cosmos", "rights"))
STORAGE, LOGIC, FACTORY = (f"infra/modules/{n}.bicep" for n in ("storage", "logicapp", "factory"))
MAIN, DEV = "infra/main.bicep", "infra/environments/dev.parameters.json"
EXAMPLE, HOST = "local.settings.json.example", "host.json"

# A file, what to replace in it by what, and a part of what must be said about it.
MISTAKES = {
    "a missing brace": (STORAGE, "sku: {", "sku:", "is no Bicep"),
    "a call in a list": (FACTORY, "[groupId]", "[resourceGroup().id]", "is no Bicep"),
    "a typo in a property": (
        APP, "instanceMemoryMB", "instanceMemoryMb", "did you mean 'instanceMemoryMB'"),
    "a property of another type": (APP, "httpsOnly: true", "httpsOnly: 'true'", "of type bool"),
    "a number that is a text": (STORAGE, "days: 7", "days: '7'", "of type int"),
    "an unknown property at the top": (STORAGE, "  kind: 'St", "  kinds: 'St", "property kinds"),
    "a required property left out": (
        "infra/modules/budget.bicep", "    timeGrain: 'Monthly'\n", "", "timeGrain must be given"),
    "a typo in a choice": (APP, "'blobContainer'", "'blobContainers'", "it may be blobContainer"),
    "a closed choice": (
        STORAGE, "'StorageV2'", "'StorageV9'", "it may be"),
    "an unknown type of resource": (
        STORAGE, "Storage/storageAccounts@", "Storage/storageAccount@", "did you mean"),
    "another API version": (
        COSMOS, "databaseAccounts@2025-04-15", "databaseAccounts@2020-01-01", "2025-04-15"),
    "a name that is not declared": (
        STORAGE, "  location: location", "  location: region", "region"),
    "a parameter that nobody uses": (
        STORAGE, "param tags", "param more object\nparam tags", "more"),
    "a function that does not exist": (MAIN, "toLower(", "lower(", "no function lower"),
    "a file that is not there": (
        "infra/modules/alerts.bicep", "failed_pipeline_runs.kql", "failed.kql", "no file"),
    "a module's parameter misspelt": (
        MAIN, "packageContainers: p", "packageContainer: p", "no parameter packageContainer"),
    "a module's parameter left out": (
        MAIN, "    longBackup: longBackup\n", "", "needs the parameter longBackup"),
    "an output that is not there": (
        MAIN, "storage.outputs.name", "storage.outputs.accountName", "no output accountName"),
    "a module that nobody uses": (
        MAIN, "modules/push.bicep", "modules/openai.bicep", "no file uses this module"),
    "a parameter of the wrong type": (DEV, '"value": 50', '"value": "50"', "of type int"),
    "a parameter that there is not": (DEV, '"tags"', '"tag"', "no parameter tag"),
    "an environment without a parameter": (DEV, '"healthEmails"', '"tags"', "must be given"),
    "a setting that nobody reads": (APP, "MEND_MODE:", "MEND_MODES:", "nobody reads MEND_MODES"),
    "a setting that is missing": (
        APP, "  MEND_MODE: string?\n", "", "the setting MEND_MODE is missing"),
    "a setting of an environment misspelt": (DEV, '"MEND_MODE"', '"MEND_MOD"', "no setting"),
    "a setting with a wrong value": (DEV, '"hil"', '"manual"', "MEND_MODE: "),
    "a setting that Flex forbids": (
        APP, "AZURE_CLIENT_ID:", "FUNCTIONS_WORKER_RUNTIME:", "must not be set"),
    "a setting missing in the example": (
        EXAMPLE, '"MEND_PULL": "on",', "", "the setting MEND_PULL is missing"),
    "a wrong value in the example": (EXAMPLE, '"MEND_PULL": "on"', '"MEND_PULL": "1"', "MEND_PULL"),
    "a container misspelt": (
        COSMOS, "name: 'claims'", "name: 'claim'", "needs the container claims"),
    "another partition key": (
        COSMOS, "'tickets', partitionKey: '/pk'", "'tickets', partitionKey: '/id'", "paths"),
    "a container that forgets": (COSMOS, "'trail', partitionKey: '/pk', timeToLive: 0",
        "'trail', partitionKey: '/pk', timeToLive: -1", "container trail: expires"),
    "an index that is missing": (
        COSMOS, "{ path: '/rank', order: 'ascending' }", "", "container tickets: indexing"),
    "reads that may be old": (COSMOS, "'Strong'", "'Session'", "must be Strong"),
    "a role by another number": (
        RIGHTS, "4633458b-17de-408a-b874-0445c86b69e6", "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        "not the role keyVaultSecretsUser"),
    "a role without a name": (
        RIGHTS, "principalId, roles.openAiUser)",
        "principalId, 'b24988ac-6180-42a0-ab88-20f7382dd24c')", "give the role a name"),
    "a custom role that may write": (FACTORY, "pipelines/read'", "pipelines/write'", "too much"),
    "a custom role that may do anything": (FACTORY, "factories/read'", "factories/*'", "too much"),
    "a key as an output": (
        STORAGE, "= account.name", "= account.listKeys().keys[0].value", "shows a secret"),
    "a connection string as an output": (
        COSMOS, "output endpoint string", "output connectionString string", "shows a secret"),
    "a secret that stays out of the vault": (
        LOGIC, "output principalId string = workflow.identity.principalId",
        "output principalId string = listCallbackUrl('x', '2019-05-01').value", "a secret"),
    "a storage account with keys": (
        STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "must have"),
    "a database with keys": (
        COSMOS, "disableLocalAuth: true", "disableLocalAuth: false", "must have"),
    "a secret that shows": (
        STORAGE, "param name string", "param name string\nparam apiKey string", "be @secure()"),
    "another task hub": (HOST, '"hubName": "Mend"', '"hubName": "Other"', "hubName"),
    "a name in host.json that nobody sets": (
        HOST, '"hubName": "Mend"', '"hubName": "%TASKHUB%"', "no app setting TASKHUB"),
    "a Python that is not tested": (APP, "'3.11', ", "'3.10', ", "pythonVersion must allow"),
    "a service that is not there": ("azure.yaml", "  app:", "  web:", "azd-service-name: web"),
    "a metric that is not there": (
        "infra/modules/health.bicep", "mend_orphans", "mend_lost", "no metric mend_lost"),
    "a package with something else": (".funcignore", "!/shared/", "!/tests/", "differs"),
}  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of everything that is looked at."""
    root = tmp_path_factory.mktemp("tree")
    shutil.copytree(ROOT / "infra", root / "infra")
    (root / "dashboard").mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, root / name)
    return root


def test_ours_is_fine() -> None:
    """Nothing is found."""
    assert [str(one) for one in check_infra.problems(ROOT)] == []


def test_so_is_the_copy(copy: Path) -> None:
    """Whatever is found below was planted."""
    assert check_infra.problems(copy) == []


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_found(copy: Path, name: str) -> None:
    """Each kind, in a copy that is otherwise fine."""
    file, good, bad, said = MISTAKES[name]
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert good in text, f"{file} does not hold {good!r} any more: plant another mistake"
    path.write_text(text.replace(good, bad), encoding="utf-8")
    try:
        found = [str(one) for one in check_infra.problems(copy)]
    finally:
        path.write_text(text, encoding="utf-8")

    assert any(said in one for one in found), found


def test_every_mistake_is_told_on_the_command_line(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each, and an exit code that stops ``make check``."""
    monkeypatch.setattr(check_infra, "ROOT", copy)
    assert check_infra.main() == 0
    (copy / ".funcignore").write_text("", encoding="utf-8")

    assert check_infra.main() == 1
    assert ".funcignore: differs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'a${b}c'", "ax1c"),
        ("[1, true, null]", [1, True, None]),
        ("{ a: { b: b } }", {"a": {"b": "x1"}}),
        ("union({ a: 1, b: 1 }, { b: 2 })", {"a": 1, "b": 2}),
        ("b == 'x1' ? 1 : 2", 1),
        ("empty([]) ? 1 : 2", 1),
        ("o.inner", 5),
        ("(3)", 3),
    ],
)
def test_plain_values_are_read(expression: str, value: object) -> None:
    """As far as the checks need them."""
    text = f"var b = 'x1'\nvar o = {{ inner: 5 }}\nvar asked = {expression}\n"
    found = parse(Path("x.bicep"), text)

    assert syntax_errors(found) == []
    assert value_of(found.variables["asked"], found) == value


def test_what_is_not_known_is_not_guessed() -> None:
    """A parameter without a default, a call, and all that is made of them."""
    text = "param p string\nvar a = p\nvar b = '${p}x'\nvar c = p == 'x' ? 1 : 2\nvar d = f(1)\n"
    found = parse(Path("x.bicep"), text)
    values = [value_of(found.variables[name], found) for name in "abcd"]
    assert all(value is UNKNOWN for value in values)
