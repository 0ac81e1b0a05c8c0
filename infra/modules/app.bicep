// The app on Flex Consumption, and every setting that it reads.
param name string
param location string
param tags object

@description('Which functions it has: all, or only those of the pipeline or of the dashboard.')
@allowed(['all', 'pipeline', 'dashboard'])
param parts string

@description('As in pyproject.toml and the tests.')
@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string

@description('In MB; an instance has CPU in proportion.')
@allowed([512, 2048, 4096])
param instanceMemory int

@minValue(1)
@maxValue(1000)
param maximumInstances int

@description('Instances that never go away, so that no alert waits for a cold start; each costs by the hour.')
@minValue(0)
param alwaysReady int

@description('Of Mend\'s identity: id, clientId.')
param identity object

@description('Of the storage account: blobEndpoint, queueEndpoint, tableEndpoint.')
param storage object
param packageContainer string
param insightsConnectionString string
param cosmosEndpoint string
param cosmosDatabase string
param vaultUri string

@description('Base of links and callbacks, without a slash at the end.')
param publicUrl string

@description('The app registration that people sign in to: clientId, identifierUri.')
param registration object

@description('Origins whose pages may call the API; the app registration decides who.')
param allowedOrigins array

@description('Empty: orchestrations are kept in the storage account.')
param schedulerEndpoint string

@description('What depends on what else is deployed.')
param connected object

@description('Settings of docs/operations.md that differ from their defaults.')
param mendSettings settings

// What people may choose. A secret is the name of one in the vault: 'kv://NAME'. `make check` compares
// this list with the settings class; `own` and `connected` are set here and need nobody.
type settings = {
  MEND_ADF_BASE_URL: string?
  MEND_APPROVAL_TIMEOUT_MINUTES: string?
  MEND_AUTH_ISSUER: string?
  MEND_AUTH_JWKS_URL: string?
  MEND_BACKOFF_FACTOR: string?
  MEND_BACKOFF_MAX_SECONDS: string?
  MEND_BACKOFF_SECONDS: string?
  MEND_CONFIDENCE_THRESHOLD: string?
  MEND_DATABRICKS_TOKEN: string?
  MEND_HISTORY_DAYS: string?
  MEND_JIRA_BASE_URL: string?
  MEND_JIRA_ISSUE_TYPE: string?
  MEND_JIRA_PROJECT: string?
  MEND_JIRA_TOKEN: string?
  MEND_JIRA_USER: string?
  MEND_JIRA_WHEN: string?
  MEND_LLM_API_KEY: string?
  MEND_LLM_DAILY_TOKENS: string?
  MEND_LLM_WORDING: string?
  MEND_LOGIC_APP_ACTIONS: string?
  MEND_MAIL_FROM: string?
  MEND_MAIL_TO: string?
  MEND_MAX_ATTEMPTS: string?
  MEND_MODE: string?
  MEND_MONITOR_TIMEOUT_MINUTES: string?
  MEND_POLL_SECONDS: string?
  MEND_PULL: string?
  MEND_SLACK_BASE_URL: string?
  MEND_SLACK_CHANNEL: string?
  MEND_SLACK_SIGNING_SECRET: string?
  MEND_SLACK_TOKEN: string?
  MEND_SLA_MINUTES: string?
  MEND_SMTP_URL: string?
  MEND_TEAMS_WEBHOOK_URL: string?
}

var own = {
  MEND_STORE: 'cosmos'
  MEND_AUTH: 'jwt'
  MEND_AUTH_TENANT: tenant().tenantId
  // v1 tokens are for the one, v2 tokens for the other.
  MEND_AUTH_AUDIENCE: '${registration.identifierUri},${registration.clientId}'
  MEND_PARTS: parts
  MEND_LOG_FORMAT: 'json'
  MEND_PUBLIC_URL: publicUrl
  MEND_CANARY_MINUTES: parts == 'dashboard' ? '0' : '15'
  COSMOS_ENDPOINT: cosmosEndpoint
  COSMOS_DATABASE: cosmosDatabase
  KEY_VAULT_URL: vaultUri
  MEND_SIGNING_KEYS: 'kv://mend-signing-keys'
  MEND_WEBHOOK_SECRETS: 'kv://mend-webhook-secrets'
}
var host = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.clientId
  AzureWebJobsStorage__blobServiceUri: storage.blobEndpoint
  AzureWebJobsStorage__queueServiceUri: storage.queueEndpoint
  AzureWebJobsStorage__tableServiceUri: storage.tableEndpoint
  // What the trigger on the change feed of Cosmos DB is bound to.
  COSMOS__accountEndpoint: cosmosEndpoint
  COSMOS__credential: 'managedidentity'
  COSMOS__clientId: identity.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
  // DefaultAzureCredential takes the identity with this id.
  AZURE_CLIENT_ID: identity.clientId
  // The worker sends what the app records; the host then does not send it a second time.
  PYTHON_ENABLE_OPENTELEMETRY: 'true'
}
var scheduling = empty(schedulerEndpoint) ? {} : {
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identity.clientId}'
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__type: 'azureManaged'
  AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': parts == 'dashboard' ? 'api' : 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReady == 0 ? [] : [
          { name: 'http', instanceCount: alwaysReady }
          { name: 'durable', instanceCount: alwaysReady }
        ]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      cors: {
        allowedOrigins: allowedOrigins
        supportCredentials: false
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(own, connected, mendSettings, host, scheduling)
}

// Publishing needs a token of Entra ID; there are no user name and password.
resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
