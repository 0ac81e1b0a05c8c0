"""Which simulators there are. One line each; the order is that of their ports."""

from collections.abc import Callable

from simulators.adf import app as adf
from simulators.databricks import app as databricks
from simulators.identity import app as identity
from simulators.kit.serving import Simulator, Surroundings
from simulators.logic_app import app as logic_app

SIMULATORS: dict[str, Callable[[Surroundings], Simulator]] = {
    "adf": adf.create,
    "databricks": databricks.create,
    "logic-app": logic_app.create,
    "identity": identity.create,
}
