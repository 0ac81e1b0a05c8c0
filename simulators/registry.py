"""Which simulators there are. One line each; the order is that of their ports."""

from collections.abc import Callable

from simulators.adf import app as adf
from simulators.databricks import app as databricks
from simulators.kit.serving import Simulator, Surroundings

SIMULATORS: dict[str, Callable[[Surroundings], Simulator]] = {
    "adf": adf.create,
    "databricks": databricks.create,
}
