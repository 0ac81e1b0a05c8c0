// Who is told when Mend itself is not well. Never through Mend.
param location string
param tags object
param workspaceId string

@description('E-mail addresses.')
@minLength(1)
param emails array

// What Mend measures of itself every five minutes (triggers/metrics.py). Silence is an alert too.
var rules = [
  {
    name: 'silent'
    title: 'Mend says nothing'
    severity: 0
    query: 'AppMetrics | where Name == "mend_up"'
    operator: 'LessThan'
    threshold: 1
    window: 'PT15M'
  }
  {
    name: 'canary-late'
    title: 'A canary has not come through: alerts may be getting lost'
    severity: 0
    query: 'AppMetrics | where Name == "mend_canary_late" and Max > 0'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT15M'
  }
  {
    name: 'unaccounted'
    title: 'Alerts were received of which nobody knows what became of them'
    severity: 1
    query: 'AppMetrics | where Name == "mend_unaccounted" and Min > 0'
    operator: 'GreaterThan'
    threshold: 2
    window: 'PT30M'
  }
  {
    name: 'dead-letters'
    title: 'Deliveries wait for somebody to look at them'
    severity: 2
    query: 'AppMetrics | where Name == "mend_dead_letters" and Max > 0'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT1H'
  }
  {
    name: 'orphans'
    title: 'Tickets were left alone and taken up again'
    severity: 2
    query: 'AppMetrics | where Name == "mend_orphans" and Max > 0'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT1H'
  }
  {
    name: 'budget-exhausted'
    title: 'Tickets went to a person because a limit of attempts was reached'
    severity: 2
    query: 'AppMetrics | where Name == "mend_budget_exhausted" and Max > 0'
    operator: 'GreaterThan'
    threshold: 0
    window: 'PT1H'
  }
  {
    name: 'exceptions'
    title: 'Functions of Mend fail'
    severity: 2
    query: 'AppExceptions | where SeverityLevel >= 3'
    operator: 'GreaterThan'
    threshold: 20
    window: 'PT15M'
  }
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-mend-health'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'mendhealth'
    emailReceivers: [
      for (email, index) in emails: {
        name: 'person-${index}'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for one in rules: {
    name: 'mend-health-${one.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: one.title
      severity: one.severity
      enabled: true
      autoMitigate: true
      // The tables of a new workspace come with their first rows.
      skipQueryValidation: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: one.window
      criteria: {
        allOf: [
          {
            query: one.query
            timeAggregation: 'Count'
            operator: one.operator
            threshold: one.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [group.id]
      }
    }
  }
]
