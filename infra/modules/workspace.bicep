// Lets Mend's identity name one Databricks workspace in Azure. What it may do inside is given there
// (docs/operations.md): whoever has rights on the resource itself would be an administrator inside.
param workspaceName string
param principalId string

var groupId = resourceGroup().id

resource workspace 'Microsoft.Databricks/workspaces@2024-05-01' existing = {
  name: workspaceName
}

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'mend-workspace')
  properties: {
    roleName: 'Mend on Databricks workspaces of ${resourceGroup().name}'
    description: 'Reads where a workspace is.'
    type: 'CustomRole'
    assignableScopes: [groupId]
    permissions: [
      {
        actions: ['Microsoft.Databricks/workspaces/read']
        notActions: []
      }
    ]
  }
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: workspace
  name: guid(workspace.id, principalId, 'mend-workspace')
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role.id
  }
}
