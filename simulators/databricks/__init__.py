"""A simulated Databricks workspace: jobs 2.2, clusters 2.1, libraries 2.0."""
