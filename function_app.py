"""Everything the host runs, in two lists.

An alert travels: triggers/webhook.py -> orchestrators/remediation.py -> activities/*.
"""

import os

import azure.durable_functions as df

from activities import approval as asking
from activities import closing, diagnosis
from activities import remediation as attempts
from orchestrators import approval, monitor, remediation
from triggers import (
    approvals,
    approve_page,
    audit,
    callback,
    change_feed,
    connections,
    dashboard,
    health,
    housekeeping,
    infrastructure,
    intake,
    live,
    me,
    metrics,
    notifications,
    nowhere,
    openapi,
    policy,
    pulse,
    settings,
    ticket_changes,
    tickets,
    webhook,
)

PIPELINE = (
    webhook,
    housekeeping,
    pulse,
    change_feed,
    notifications,
    callback,
    remediation,
    monitor,
    approval,
    diagnosis,
    asking,
    attempts,
    closing,
)
DASHBOARD = (
    dashboard,
    live,
    me,
    tickets,
    ticket_changes,
    intake,
    infrastructure,
    audit,
    settings,
    policy,
    connections,
    openapi,
)
# Who decides wakes who waits: both apps share the task hub.
BOTH = (approvals, approve_page, health, metrics, nowhere)
# For those who want two apps; what is neither of these is refused by the settings, not here.
CHOICES = {"pipeline": (*PIPELINE, *BOTH), "dashboard": (*DASHBOARD, *BOTH)}

app = df.DFApp()
for part in CHOICES.get(
    os.environ.get("MEND_PARTS", "all").strip().lower(), (*PIPELINE, *DASHBOARD, *BOTH)
):
    app.register_functions(part.bp)
