"""Azure Data Factory: pipelines, runs, activity runs, triggers, integration runtimes."""
