// Durable Task Scheduler: orchestrations outside of Storage. Optional; docs/operations.md says when.
param name string
param location string
param tags object
param hubName string

resource scheduler 'Microsoft.DurableTask/schedulers@2025-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    // Only tokens of Entra ID are taken; addresses of a consumption plan cannot be listed.
    ipAllowlist: ['0.0.0.0/0']
    sku: {
      name: 'Consumption'
    }
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2025-11-01' = {
  parent: scheduler
  name: hubName
}

output name string = scheduler.name
output endpoint string = scheduler.properties.endpoint
