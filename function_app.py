"""Everything the host runs, in one list.

An alert travels: triggers/webhook.py -> orchestrators/remediation.py -> activities/*.
"""

import azure.durable_functions as df

from activities import closing, diagnosis
from activities import remediation as attempts
from orchestrators import monitor, remediation
from triggers import (
    audit,
    callback,
    health,
    housekeeping,
    infrastructure,
    intake,
    openapi,
    settings,
    ticket_changes,
    tickets,
    webhook,
)

app = df.DFApp()
for part in (
    webhook,
    housekeeping,
    tickets,
    ticket_changes,
    intake,
    infrastructure,
    audit,
    settings,
    health,
    openapi,
    callback,
    remediation,
    monitor,
    diagnosis,
    attempts,
    closing,
):
    app.register_functions(part.bp)
