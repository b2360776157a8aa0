// What is common to all functions and depends on parameters. Secrets are named, never given, so that neither the
// template nor the zip holds one: the functions fetch the connection string when they run, and CloudFormation looks up
// the key of the HTTP door when it deploys.
const { readParameters } = require('./parameters.cjs')

module.exports = async ({ resolveVariable }) => {
  const parameters = await readParameters(resolveVariable)
  const withIdentity = parameters.fullyQualifiedNamespace !== undefined
  return {
    // A variable that is not configured here is left out, so that `serverless invoke local` takes it from the shell.
    environment: present({
      EVENTHUB_NAME: parameters.eventHubName,
      EVENTHUB_CONNECTION_STRING_SECRET_ID: parameters.connectionStringSecretId,
      EVENTHUB_CONNECTION_STRING_PARAMETER_NAME: parameters.connectionStringParameterName,
      EVENTHUB_FULLY_QUALIFIED_NAMESPACE: parameters.fullyQualifiedNamespace,
      EVENTHUB_IDENTITY: withIdentity ? 'aws' : undefined,
      AZURE_TENANT_ID: withIdentity ? parameters.azureTenantId : undefined,
      AZURE_CLIENT_ID: withIdentity ? parameters.azureClientId : undefined,
      FORWARD_FORMAT: parameters.format,
      FORWARD_PROPERTY_PREFIX: parameters.propertyPrefix,
    }),
    memorySize: Number(parameters.memorySize ?? 512),
    // Half a megabyte that only a deployment with an identity needs.
    notBundled: withIdentity ? ['ws'] : ['ws', '@azure/identity'],
  }
}

function present(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined))
}

module.exports.present = present
