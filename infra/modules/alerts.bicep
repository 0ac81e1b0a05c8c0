// How failed pipeline runs are reported to Mend by Azure Monitor: one alert per run.
param location string
param tags object
param workspaceId string
param webhookUrl string

@description('The app registration that stands for Mend: objectId, identifierUri. Empty: no secure webhook, hence no rule.')
param registration object

var secured = !empty(registration)

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = if (secured) {
  name: 'ag-mend'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'mend'
    webhookReceivers: [
      {
        name: 'mend'
        serviceUri: webhookUrl
        useCommonAlertSchema: true
        // Azure Monitor shows a token of our tenant; an ordinary webhook would show nothing.
        useAadAuth: true
        objectId: registration.objectId
        identifierUri: registration.identifierUri
        tenantId: tenant().tenantId
      }
    ]
  }
}

resource failedRuns 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = if (secured) {
  name: 'mend-failed-pipeline-runs'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Failed pipeline runs, to Mend'
    description: 'One alert per failed run. Logs are minutes late; Mend looks for failed runs by itself as well.'
    severity: 2
    enabled: true
    // Each run is reported once and never "resolved": Mend finds out itself what became of it.
    autoMitigate: false
    // The table comes with a factory's first run.
    skipQueryValidation: true
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      allOf: [
        {
          query: loadTextContent('../queries/failed_pipeline_runs.kql')
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          resourceIdColumn: '_ResourceId'
          dimensions: [
            { name: 'RunId', operator: 'Include', values: ['*'] }
            { name: 'PipelineName', operator: 'Include', values: ['*'] }
          ]
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
