// An event hub, and who may send to it. Either the roles of the Lambda functions, without any secret, or a connection
// string with the right to send and no other.
//
//   az deployment group create --resource-group NAME --template-file infra/azure/main.bicep --parameters namespaceName=…
//
// docs/aws-lambda.md is the walkthrough.
targetScope = 'resourceGroup'

@description('Name of the namespace, unique in all of Azure: NAME.servicebus.windows.net.')
@minLength(6)
@maxLength(50)
param namespaceName string

@description('Name of the event hub.')
@minLength(1)
param eventHubName string = 'events'

@description('Azure region.')
param location string = resourceGroup().location

@description('Basic takes events of at most 256 KB and keeps them for a day.')
@allowed(['Basic', 'Standard', 'Premium'])
param sku string = 'Standard'

@description('Throughput units (Basic, Standard) or processing units (Premium).')
@minValue(1)
param capacity int = 1

@description('Cannot be changed later, but in Premium. At most 32 in Basic and Standard.')
@minValue(1)
param partitionCount int = 4

@description('How long events are kept. At most 24 in Basic, 168 in Standard.')
@minValue(1)
param retentionInHours int = 24

@description('The issuer of the AWS account, as "aws iam get-outbound-web-identity-federation-info" prints it; empty: no identity is made.')
param awsIssuer string = ''

@description('ARNs of the roles of the functions that may send, such as arn:aws:iam::123456789012:role/eventhub-sluice-dev-eu-west-1-queue. At most 20.')
@maxLength(20)
param awsRoleArns array = []

@description('Make a key that may send, for a connection string. Without it the namespace takes no keys at all.')
param withSendKey bool = empty(awsIssuer)

// Azure Event Hubs Data Sender, the same in every tenant.
var dataSenderRoleId = '2b629674-e913-4c01-ae53-ef4638d8f975'
var withIdentity = !empty(awsIssuer)

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: namespaceName
  location: location
  sku: {
    name: sku
    tier: sku
    capacity: capacity
  }
  properties: {
    minimumTlsVersion: '1.2'
    disableLocalAuth: !withSendKey
  }
}

resource eventHub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: eventHubName
  properties: {
    partitionCount: partitionCount
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: retentionInHours
    }
  }
}

resource sendKey 'Microsoft.EventHub/namespaces/eventhubs/authorizationRules@2024-01-01' = if (withSendKey) {
  parent: eventHub
  name: 'aws-lambda'
  properties: {
    rights: ['Send']
  }
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = if (withIdentity) {
  name: '${namespaceName}-aws-lambda'
  location: location
}

// One at a time: an identity refuses federated credentials that are written side by side.
@batchSize(1)
resource federatedCredentials 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = [
  for (roleArn, index) in awsRoleArns: if (withIdentity) {
    parent: identity
    name: 'aws-role-${index}'
    properties: {
      issuer: awsIssuer
      // What AWS puts into a token's sub.
      subject: roleArn
      audiences: ['api://AzureADTokenExchange']
    }
  }
]

resource mayDoNothingButSend 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (withIdentity) {
  name: guid(eventHub.id, namespaceName, dataSenderRoleId)
  scope: eventHub
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dataSenderRoleId)
    principalId: withIdentity ? identity!.properties.principalId : ''
    principalType: 'ServicePrincipal'
  }
}

output fullyQualifiedNamespace string = '${namespace.name}.servicebus.windows.net'
output eventHubName string = eventHub.name
output azureTenantId string = tenant().tenantId
output azureClientId string = withIdentity ? identity!.properties.clientId : ''
// For: az eventhubs eventhub authorization-rule keys list. The key itself is no output: deployments are logged.
output sendKeyName string = withSendKey ? sendKey.name : ''
