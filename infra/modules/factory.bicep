// What Mend may do with one data factory, and the logs that its alerts are made of.
param factoryName string
param principalId string

@description('Empty: there is no Logic App that starts runs.')
param logicAppPrincipalId string
param workspaceId string

// Reading runs and definitions, rerunning, cancelling a double, starting a stopped trigger. It can
// change no pipeline, see no linked service and no key.
var actions = [
  'Microsoft.DataFactory/factories/read'
  'Microsoft.DataFactory/factories/pipelines/read'
  'Microsoft.DataFactory/factories/pipelines/createrun/action'
  'Microsoft.DataFactory/factories/pipelineruns/read'
  'Microsoft.DataFactory/factories/pipelineruns/cancel/action'
  'Microsoft.DataFactory/factories/pipelineruns/activityruns/read'
  'Microsoft.DataFactory/factories/pipelineruns/queryactivityruns/action'
  'Microsoft.DataFactory/factories/pipelineruns/queryactivityruns/read'
  'Microsoft.DataFactory/factories/querypipelineruns/action'
  'Microsoft.DataFactory/factories/querypipelineruns/read'
  'Microsoft.DataFactory/factories/triggers/read'
  'Microsoft.DataFactory/factories/triggers/start/action'
  'Microsoft.DataFactory/factories/triggers/triggerruns/rerun/action'
]

var groupId = resourceGroup().id
var principalIds = empty(logicAppPrincipalId) ? [principalId] : [principalId, logicAppPrincipalId]

resource factory 'Microsoft.DataFactory/factories@2018-06-01' existing = {
  name: factoryName
}

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'mend-factory')
  properties: {
    roleName: 'Mend on data factories of ${resourceGroup().name}'
    description: 'Reads runs and reruns pipelines.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: actions
        notActions: []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for one in principalIds: {
    scope: factory
    name: guid(factory.id, one, 'mend-factory')
    properties: {
      principalId: one
      principalType: 'ServicePrincipal'
      roleDefinitionId: role.id
    }
  }
]

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: factory
  name: 'mend'
  properties: {
    workspaceId: workspaceId
    // Tables of their own (ADFPipelineRun, ...), which the alert rules ask.
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      { category: 'PipelineRuns', enabled: true }
      { category: 'ActivityRuns', enabled: true }
      { category: 'TriggerRuns', enabled: true }
    ]
  }
}
