"""The simulators the connectors are tested against, and an empty store of each kind."""

from tests.contract.stores import store
from tests.support.cosmos import cosmos_server
from tests.support.simulators import adf, adf_process, databricks, databricks_process

__all__ = ["adf", "adf_process", "cosmos_server", "databricks", "databricks_process", "store"]
