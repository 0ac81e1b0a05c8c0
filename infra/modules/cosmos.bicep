// Tickets and everything about them. The containers are those of shared/stores/cosmos/schema.py;
// `make check` compares the two.
param name string
param location string
param tags object
param databaseName string

@description('serverless: paid per request. autoscale: paid per hour, for more than about 50 RU/s on average.')
@allowed(['serverless', 'autoscale'])
param mode string

@description('The most RU/s of the whole database; counts with autoscale only.')
@minValue(1000)
param autoscaleMaxThroughput int

@description('Who may read and write what is stored.')
param principalIds array

@description('Keep backups for 30 days instead of 7; both can be restored to any second.')
param longBackup bool

// Bodies are read whole and never asked about; an index on them would only cost writes.
var unasked = [
  { path: '/body/?' }
  { path: '/writes/*' }
  { path: '/"_etag"/?' }
]
// An index read backwards serves the opposite order too.
var ticketOrders = [
  [
    { path: '/created_at', order: 'ascending' }
    { path: '/id', order: 'ascending' }
  ]
  [
    { path: '/updated_at', order: 'ascending' }
    { path: '/id', order: 'ascending' }
  ]
  [
    { path: '/rank', order: 'ascending' }
    { path: '/id', order: 'ascending' }
  ]
]
// timeToLive -1: an item may say itself when it goes; 0: nothing here ever goes.
var containers = [
  { name: 'tickets', partitionKey: '/pk', timeToLive: 0, composites: ticketOrders }
  { name: 'claims', partitionKey: '/pk', timeToLive: -1, composites: [] }
  { name: 'books', partitionKey: '/pk', timeToLive: -1, composites: [] }
  { name: 'trail', partitionKey: '/pk', timeToLive: 0, composites: [] }
]
// Of the built-in roles of Cosmos DB; it may not touch the account itself.
var dataContributor = '00000000-0000-0000-0000-000000000002'

resource account 'Microsoft.DocumentDB/databaseAccounts@2025-04-15' = {
  name: name
  location: location
  tags: tags
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    capabilities: mode == 'serverless' ? [{ name: 'EnableServerless' }] : []
    // Whoever reads sees what any other process has written: the kill switch and claims need it.
    consistencyPolicy: {
      defaultConsistencyLevel: 'Strong'
    }
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: false
      }
    ]
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: longBackup ? 'Continuous30Days' : 'Continuous7Days'
      }
    }
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2025-04-15' = {
  parent: account
  name: databaseName
  properties: {
    resource: {
      id: databaseName
    }
    options: mode == 'serverless' ? {} : { autoscaleSettings: { maxThroughput: autoscaleMaxThroughput } }
  }
}

resource container 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = [
  for one in containers: {
    parent: database
    name: one.name
    properties: {
      resource: union(
        {
          id: one.name
          partitionKey: {
            kind: 'Hash'
            version: 2
            paths: [one.partitionKey]
          }
          indexingPolicy: {
            indexingMode: 'consistent'
            automatic: true
            includedPaths: [{ path: '/*' }]
            excludedPaths: unasked
            compositeIndexes: one.composites
          }
        },
        one.timeToLive == 0 ? {} : { defaultTtl: one.timeToLive }
      )
    }
  }
]

// Written by the change feed trigger of the Functions host.
resource leases 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2025-04-15' = {
  parent: database
  name: 'leases'
  properties: {
    resource: {
      id: 'leases'
      partitionKey: {
        kind: 'Hash'
        version: 2
        paths: ['/id']
      }
    }
  }
}

resource assignment 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2025-04-15' = [
  for principalId in principalIds: {
    parent: account
    name: guid(account.id, principalId, dataContributor)
    properties: {
      principalId: principalId
      roleDefinitionId: '${account.id}/sqlRoleDefinitions/${dataContributor}'
      scope: account.id
    }
  }
]

output endpoint string = account.properties.documentEndpoint
