// What serverless.yml takes from its --param options and cannot say by itself: values that are absent unless asked
// for. Secrets are named, never given: CloudFormation looks them up at deployment (a dynamic reference), so that
// neither the template nor the zip holds one.
module.exports = async ({ resolveVariable }) => {
  const param = (name) => resolveVariable(`param:${name}, null`)
  const secret = async (name) => {
    const id = await param(name)
    return id ? `{{resolve:secretsmanager:${id}}}` : undefined
  }

  const frontDoorKey = await secret('frontDoorKeySecretId')
  return {
    // A variable that is not configured here is left out, so that `serverless invoke local` takes it from the shell.
    environment: present({
      EVENTHUB_NAME: await param('eventHubName'),
      EVENTHUB_CONNECTION_STRING: await secret('connectionStringSecretId'),
      EVENTHUB_FULLY_QUALIFIED_NAMESPACE: await param('fullyQualifiedNamespace'),
      AZURE_TENANT_ID: await param('azureTenantId'),
      AZURE_CLIENT_ID: await param('azureClientId'),
      AZURE_CLIENT_SECRET: await secret('azureClientSecretId'),
    }),
    // With a key of its own the door stands open to everyone who has it; without one, to whom IAM lets in.
    http: frontDoorKey
      ? { environment: { FRONT_DOOR_KEY: frontDoorKey }, url: {} }
      : { environment: {}, url: { authorizer: 'aws_iam' } },
    // Half a megabyte that only a deployment with fullyQualifiedNamespace needs.
    notBundled: (await param('identity')) === 'bundled' ? ['ws'] : ['ws', '@azure/identity'],
  }
}

function present(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined))
}
