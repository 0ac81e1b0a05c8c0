// Tells open dashboards that something has changed; they ask the API what.
param name string
param location string
param tags object

@allowed(['Free_F1', 'Standard_S1'])
param sku string

resource push 'Microsoft.SignalRService/webPubSub@2024-03-01' = {
  name: name
  location: location
  tags: tags
  kind: 'WebPubSub'
  sku: {
    name: sku
    capacity: 1
  }
  properties: {
    disableLocalAuth: true
    publicNetworkAccess: 'Enabled'
  }
}

resource hub 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: push
  name: 'mend'
  properties: {
    // Nobody connects without an address that the API has given out.
    anonymousConnectPolicy: 'deny'
  }
}

output name string = push.name
output endpoint string = 'https://${push.properties.hostName}'
