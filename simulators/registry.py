"""Which simulators there are. One line each; the order is that of their ports."""

from collections.abc import Callable

from simulators.adf import app as adf
from simulators.databricks import app as databricks
from simulators.identity import app as identity
from simulators.jira import app as jira
from simulators.key_vault import app as key_vault
from simulators.kit.serving import Simulator, Surroundings
from simulators.logic_app import app as logic_app
from simulators.model_endpoint import app as model_endpoint
from simulators.slack import app as slack
from simulators.smtp import app as smtp
from simulators.teams import app as teams

SIMULATORS: dict[str, Callable[[Surroundings], Simulator]] = {
    "adf": adf.create,
    "databricks": databricks.create,
    "logic-app": logic_app.create,
    "identity": identity.create,
    "key-vault": key_vault.create,
    "model-endpoint": model_endpoint.create,
    "slack": slack.create,
    "jira": jira.create,
    "teams": teams.create,
    "smtp": smtp.create,
}
