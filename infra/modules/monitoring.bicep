// Logs, traces and the workbook that shows them.
param name string
param location string
param tags object

@description('How long logs are kept, in days.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('Logs above this many gigabytes a day are dropped, so that a loop cannot cost a fortune; -1: no limit.')
param dailyCapGb int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: 'log-${name}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: dailyCapGb
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${name}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    // Whoever only knows the connection string can send nothing.
    DisableLocalAuth: true
  }
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'mend-workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Mend'
    category: 'workbook'
    sourceId: insights.id
    serializedData: loadTextContent('../monitoring/workbook.json')
  }
}

output workspaceId string = workspace.id
output insightsName string = insights.name
// No secret: without a token of Entra ID nothing can be sent with it (DisableLocalAuth).
output connectionString string = insights.properties.ConnectionString
