"""Alerts that report no failure; intake drops most of them before they get here."""

from shared.diagnosis.signature import Example, Signature
from shared.domain.analysis import Action, Category

SIGNATURES: tuple[Signature, ...] = (
    Signature(
        id="alert-resolved",
        category=Category.BENIGN,
        retryable="false",
        action=Action.NONE,
        root_cause="The sender says that the condition is over.",
        recommendations=(),
        why="A recovery message is no failure.",
        source="Microsoft Learn, 'Common alert schema'; Datadog docs, 'Notifications'",
        examples=(
            Example(message="[P2] [Recovered] nightly load is late"),
            Example(message='{"essentials": {"monitorCondition": "Resolved"}}'),
        ),
        confidence=0.95,
        codes=("Recovered", "Resolved"),
        phrases=(
            "[recovered]",
            "[resolved]",
            '"monitorcondition": "resolved"',
            '"monitorcondition":"resolved"',
            '"status": "resolved"',
            '"status":"resolved"',
            '"status": "deactivated"',
        ),
    ),
    Signature(
        id="alert-heartbeat-or-test",
        category=Category.BENIGN,
        retryable="false",
        action=Action.NONE,
        root_cause="A heartbeat or a test of the alerting itself.",
        recommendations=(),
        why="Alertmanager's Watchdog always fires; test buttons send sample bodies.",
        source="prometheus-operator runbooks, 'Watchdog'; Microsoft Learn, 'Action groups'",
        examples=(
            Example(message="alertname:Watchdog, meant to fire for ever"),
            Example(message="Sample from the rule test-metricAlertRule"),
        ),
        confidence=0.95,
        codes=("Watchdog",),
        phrases=(
            "alertname:watchdog",
            "alertname=watchdog",
            '"alertname": "watchdog"',
            '"alertname":"watchdog"',
            "entire alerting pipeline is functional",
            "test-metricalertrule",
            "test-logalertrule",
            "test-activitylogalertrule",
            "this is a test notification",
            "this is a test alert",
        ),
    ),
    Signature(
        id="planned-maintenance",
        category=Category.BENIGN,
        retryable="false",
        action=Action.NONE,
        root_cause="A notice of planned maintenance.",
        recommendations=("Expect short interruptions in the announced window.",),
        why="An announcement, not a failure.",
        source="Microsoft Learn, 'Service Health notifications'",
        examples=(Example(message='{"incidentType": "Maintenance", "stage": "Planned"}'),),
        confidence=0.9,
        phrases=('"incidenttype": "maintenance"', '"incidenttype":"maintenance"'),
    ),
)
