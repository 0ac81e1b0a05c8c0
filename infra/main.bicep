// Everything that Mend needs, in one resource group; and rights on what it heals, wherever that is.
targetScope = 'subscription'

@description('Part of every name, for instance prod.')
@minLength(2)
@maxLength(16)
param environmentName string

@description('Region of everything but the pages.')
param location string

@description('Region of the pages: static web apps are not offered everywhere.')
param dashboardLocation string

@description('Two apps instead of one: the pipeline, and the API of the dashboard (MEND_PARTS).')
param twoApps bool = false

@description('As in pyproject.toml.')
param pythonVersion string = '3.13'
param instanceMemory int = 2048
param maximumInstances int = 40
param alwaysReady int = 0

@description('serverless or autoscale; docs/operations.md says from when on which is cheaper.')
param cosmosMode string = 'serverless'
param autoscaleMaxThroughput int = 1000
param longBackup bool = false

param logRetentionDays int = 30
param logDailyCapGb int = 1

@description('The factories that Mend heals: {subscriptionId, resourceGroup, name} each. The first is the default one.')
param factories array = []

@description('The Databricks workspaces that Mend heals: {subscriptionId, resourceGroup, name, host} each. The first is the default one.')
param workspaces array = []

@description('The app registration that stands for Mend: clientId, objectId, identifierUri. docs/operations.md says how to make it.')
param registration object

@description('The base of links and callbacks if the app has a domain of its own; empty: the app\'s own.')
param publicUrl string = ''

@description('Free or Standard.')
param dashboardSku string = 'Free'

@description('Tell open dashboards at once instead of every few seconds.')
param usePush bool = false
param pushSku string = 'Free_F1'

@description('A language model for causes that no signature knows.')
param useOpenAi bool = false
param openAiModel object = {
  name: 'gpt-4.1-mini'
  version: '2025-04-14'
}
param openAiCapacity int = 50

@description('Durable Task Scheduler instead of the storage account.')
param useScheduler bool = false

@description('Let a Logic App start the runs, and call back.')
param useLogicApp bool = false

@description('Who is told when Mend itself is not well.')
param healthEmails array

@description('A month, in the currency of the subscription.')
param budgetAmount int

@description('The first day of a month.')
param budgetStart string

@description('Settings of docs/operations.md that differ from their defaults.')
param mendSettings object = {}

param tags object = {}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, { 'azd-env-name': environmentName, application: 'mend' })
var parts = twoApps ? ['pipeline', 'dashboard'] : ['all']
var appNames = [for part in parts: part == 'dashboard' ? 'api-mend-${token}' : 'func-mend-${token}']
var packageContainers = [for part in parts: 'package-${part}']
var ownUrl = empty(publicUrl) ? 'https://${appNames[0]}.azurewebsites.net' : publicUrl
var taskHub = 'Mend'
var factorySettings = empty(factories) ? {} : {
  MEND_ADF_SUBSCRIPTION_ID: factories[0].subscriptionId
  MEND_ADF_RESOURCE_GROUP: factories[0].resourceGroup
  MEND_ADF_FACTORY: factories[0].name
}
var workspaceSettings = empty(workspaces) ? {} : { MEND_DATABRICKS_HOST: workspaces[0].host }
var logicAppSettings = useLogicApp ? { MEND_LOGIC_APP_URL: 'kv://mend-logic-app-url' } : {}
var pushSettings = usePush ? { MEND_PUSH_ENDPOINT: push!.outputs.endpoint } : {}
var modelSettings = useOpenAi
  ? { MEND_LLM_BASE_URL: openAi!.outputs.baseUrl, MEND_LLM_MODEL: openAi!.outputs.deploymentName }
  : {}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-mend-${environmentName}'
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: 'id-mend-${token}'
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    name: 'mend-${token}'
    location: location
    tags: allTags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    name: 'stmend${token}'
    location: location
    tags: allTags
    packageContainers: packageContainers
  }
}

module cosmos 'modules/cosmos.bicep' = {
  scope: group
  name: 'cosmos'
  params: {
    name: 'cosmos-mend-${token}'
    location: location
    tags: allTags
    databaseName: 'mend'
    mode: cosmosMode
    autoscaleMaxThroughput: autoscaleMaxThroughput
    principalIds: [identity.outputs.principalId]
    longBackup: longBackup
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'kv-mend-${token}'
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module dashboard 'modules/dashboard.bicep' = {
  scope: group
  name: 'dashboard'
  params: {
    name: 'stapp-mend-${token}'
    location: dashboardLocation
    tags: allTags
    sku: dashboardSku
  }
}

module push 'modules/push.bicep' = if (usePush) {
  scope: group
  name: 'push'
  params: {
    name: 'wps-mend-${token}'
    location: location
    tags: allTags
    sku: pushSku
  }
}

module openAi 'modules/openai.bicep' = if (useOpenAi) {
  scope: group
  name: 'openai'
  params: {
    name: 'oai-mend-${token}'
    location: location
    tags: allTags
    model: openAiModel
    capacity: openAiCapacity
  }
}

module scheduler 'modules/scheduler.bicep' = if (useScheduler) {
  scope: group
  name: 'scheduler'
  params: {
    name: 'dts-mend-${token}'
    location: location
    tags: allTags
    hubName: taskHub
  }
}

module rights 'modules/rights.bicep' = {
  scope: group
  name: 'rights'
  params: {
    principalId: identity.outputs.principalId
    storageName: storage.outputs.name
    vaultName: vault.outputs.name
    insightsName: monitoring.outputs.insightsName
    pushName: usePush ? push!.outputs.name : ''
    openAiName: useOpenAi ? openAi!.outputs.name : ''
    schedulerName: useScheduler ? scheduler!.outputs.name : ''
  }
}

module apps 'modules/app.bicep' = [
  for (part, index) in parts: {
    scope: group
    name: 'app-${part}'
    // Without its rights it could not even start.
    dependsOn: [rights]
    params: {
      name: appNames[index]
      location: location
      tags: allTags
      parts: part
      pythonVersion: pythonVersion
      instanceMemory: instanceMemory
      maximumInstances: maximumInstances
      alwaysReady: alwaysReady
      identity: {
        id: identity.outputs.id
        clientId: identity.outputs.clientId
      }
      storage: {
        blobEndpoint: storage.outputs.blobEndpoint
        queueEndpoint: storage.outputs.queueEndpoint
        tableEndpoint: storage.outputs.tableEndpoint
      }
      packageContainer: packageContainers[index]
      insightsConnectionString: monitoring.outputs.connectionString
      cosmosEndpoint: cosmos.outputs.endpoint
      cosmosDatabase: 'mend'
      vaultUri: vault.outputs.uri
      publicUrl: ownUrl
      registration: registration
      allowedOrigins: [dashboard.outputs.origin]
      schedulerEndpoint: useScheduler ? scheduler!.outputs.endpoint : ''
      connected: union(factorySettings, workspaceSettings, logicAppSettings, pushSettings, modelSettings)
      mendSettings: mendSettings
    }
  }
]

module logicApp 'modules/logicapp.bicep' = if (useLogicApp) {
  scope: group
  name: 'logicapp'
  params: {
    name: 'logic-mend-${token}'
    location: location
    tags: allTags
    vaultName: vault.outputs.name
    callbackUrl: '${ownUrl}/api/remediation-callback'
  }
}

// One after another: two factories of one resource group share a role definition.
@batchSize(1)
module factory 'modules/factory.bicep' = [
  for (one, index) in factories: {
    scope: resourceGroup(one.subscriptionId, one.resourceGroup)
    name: 'mend-factory-${index}'
    params: {
      factoryName: one.name
      principalId: identity.outputs.principalId
      logicAppPrincipalId: useLogicApp ? logicApp!.outputs.principalId : ''
      workspaceId: monitoring.outputs.workspaceId
    }
  }
]

@batchSize(1)
module workspace 'modules/workspace.bicep' = [
  for (one, index) in workspaces: {
    scope: resourceGroup(one.subscriptionId, one.resourceGroup)
    name: 'mend-workspace-${index}'
    params: {
      workspaceName: one.name
      principalId: identity.outputs.principalId
    }
  }
]

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    webhookUrl: '${ownUrl}/api/v1/tickets/webhook/azure-monitor'
    registration: registration
  }
}

module health 'modules/health.bicep' = {
  scope: group
  name: 'health'
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    emails: healthEmails
  }
}

module budget 'modules/budget.bicep' = {
  scope: group
  name: 'budget'
  params: {
    amount: budgetAmount
    startDate: budgetStart
    emails: healthEmails
  }
}

// Read by azd and by scripts/; nothing here is a secret.
output AZURE_RESOURCE_GROUP string = group.name
output MEND_APP_NAME string = apps[0].outputs.name
output MEND_APP_URL string = apps[0].outputs.url
output MEND_API_URL string = twoApps ? apps[1].outputs.url : apps[0].outputs.url
output MEND_DASHBOARD_NAME string = dashboard.outputs.name
output MEND_DASHBOARD_URL string = dashboard.outputs.origin
// What scripts/dashboard_config.py tells the pages.
output MEND_CLIENT_ID string = registration.clientId
output AZURE_TENANT_ID string = tenant().tenantId
output MEND_VAULT_NAME string = vault.outputs.name
output MEND_COSMOS_ENDPOINT string = cosmos.outputs.endpoint
output MEND_IDENTITY_CLIENT_ID string = identity.outputs.clientId
