"""The simulator the connector is tested against."""

from tests.support.simulators import adf, adf_process, databricks, databricks_process

__all__ = ["adf", "adf_process", "databricks", "databricks_process"]
