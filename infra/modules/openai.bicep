// A language model for causes that no signature knows. Optional: without it Mend goes by rules alone.
param name string
param location string
param tags object

@description('Name and version of the model, as the region offers it.')
param model object

@description('In thousands of tokens a minute.')
@minValue(1)
param capacity int

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    customSubDomainName: name
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

resource deployment 'Microsoft.CognitiveServices/accounts/deployments@2025-06-01' = {
  parent: account
  name: 'mend'
  sku: {
    name: 'GlobalStandard'
    capacity: capacity
  }
  properties: {
    model: {
      format: 'OpenAI'
      name: model.name
      version: model.version
    }
    // What a model answers is part of a decision's record: another version is somebody's decision.
    versionUpgradeOption: 'NoAutoUpgrade'
  }
}

output name string = account.name
output baseUrl string = '${account.properties.endpoint}openai/v1/'
output deploymentName string = deployment.name
