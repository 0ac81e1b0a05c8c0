// A workflow that reruns pipelines for Mend and reports back. For those whose rules want it so.
param name string
param location string
param tags object
param vaultName string

@description('Only this app\'s callback may be called.')
param callbackUrl string

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('../workflows/rerun.json')
    parameters: {
      callbackUrl: {
        type: 'String'
        value: callbackUrl
      }
    }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

// The URL carries the signature that starts the workflow: it goes from here into the vault only.
resource url 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {
  parent: vault
  name: 'mend-logic-app-url'
  properties: {
    contentType: 'text/plain'
    value: listCallbackUrl('${workflow.id}/triggers/request', '2019-05-01').value
  }
}

output principalId string = workflow.identity.principalId
