// What serverless.yml is told by --param=name=value, checked in one place. Every file beside this one reads it here.
const names = [
  'eventHubName',
  'connectionStringSecretId',
  'connectionStringParameterName',
  'fullyQualifiedNamespace',
  'azureTenantId',
  'azureClientId',
  'queueArn',
  'kinesisStreamArn',
  'dynamodbStreamArn',
  'snsTopicArn',
  'eventBusArn',
  'eventPattern',
  's3BucketArn',
  'frontDoorKeySecretId',
  'alarmTopicArn',
  'kmsKeyArn',
  'format',
  'propertyPrefix',
  'memorySize',
]

/** The parameters by name; those that are not given, or empty, are undefined. Throws one error for all that is wrong. */
async function readParameters(resolveVariable) {
  const given = await Promise.all(names.map((name) => resolveVariable(`param:${name}, null`)))
  const parameters = Object.fromEntries(names.map((name, index) => [name, text(given[index])]))
  const problems = [...unknownOf(await resolveVariable('opt:param, null')), ...problemsOf(parameters)]
  if (problems.length > 0) throw new Error(`The parameters cannot be deployed. ${problems.join(' ')}`)
  return parameters
}

function text(value) {
  return value === null || value === undefined || value === '' ? undefined : String(value)
}

/** A slip of the pen in a name would otherwise take away what the right name has made. */
function unknownOf(commandLine) {
  const unknown = [commandLine ?? []]
    .flat()
    .map((parameter) => String(parameter).split('=', 1)[0])
    .filter((name) => !names.includes(name))
  return unknown.map((name) => `There is no parameter ${name}.`)
}

function problemsOf(parameters) {
  const problems = []
  const has = (name) => parameters[name] !== undefined
  const given = ['connectionStringSecretId', 'connectionStringParameterName', 'fullyQualifiedNamespace'].filter(has)
  if (given.length > 1) problems.push(`Give one of ${given.join(' and ')}, not both.`)
  const needs = (name, ...others) => {
    const missing = others.filter((other) => !has(other))
    if (has(name) && missing.length > 0) problems.push(`${name} needs ${missing.join(' and ')} beside it.`)
  }
  needs('fullyQualifiedNamespace', 'eventHubName', 'azureTenantId', 'azureClientId')
  needs('azureTenantId', 'fullyQualifiedNamespace')
  needs('azureClientId', 'fullyQualifiedNamespace')
  needs('eventPattern', 'eventBusArn')
  const isOneOf = (name, ...values) => {
    if (has(name) && !values.includes(parameters[name])) problems.push(`${name} must be ${values.join(' or ')}.`)
  }
  isOneOf('format', 'cloudevents', 'raw')
  isOneOf('propertyPrefix', 'cloudEvents:', 'cloudEvents_')
  if (has('fullyQualifiedNamespace') && !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(parameters.fullyQualifiedNamespace)) {
    problems.push('fullyQualifiedNamespace must be a host name, such as my-namespace.servicebus.windows.net.')
  }
  const arns = {
    queueArn: 'sqs',
    kinesisStreamArn: 'kinesis',
    dynamodbStreamArn: 'dynamodb',
    snsTopicArn: 'sns',
    eventBusArn: 'events',
    s3BucketArn: 's3',
    alarmTopicArn: 'sns',
    kmsKeyArn: 'kms',
  }
  for (const [name, service] of Object.entries(arns)) {
    if (has(name) && !new RegExp(`^arn:aws[a-z-]*:${service}:`).test(parameters[name])) {
      problems.push(`${name} must be an ARN of ${service}.`)
    }
  }
  if (has('dynamodbStreamArn') && !parameters.dynamodbStreamArn.includes('/stream/')) {
    problems.push('dynamodbStreamArn must be the ARN of the stream (…/stream/…), not of the table.')
  }
  if (has('kinesisStreamArn') && parameters.kinesisStreamArn.includes('/consumer/')) {
    problems.push('kinesisStreamArn must be the ARN of the stream, not of a consumer.')
  }
  if (has('kmsKeyArn') && parameters.kmsKeyArn.includes(':alias/')) {
    // Rights that name an alias allow nothing.
    problems.push('kmsKeyArn must be the ARN of the key, not of an alias.')
  }
  if (has('eventPattern') && !isJsonObject(parameters.eventPattern))
    problems.push('eventPattern must be a JSON object.')
  if (has('memorySize') && !isMemorySize(parameters.memorySize)) {
    problems.push('memorySize must be a number of megabytes, 128 to 10240.')
  }
  return problems
}

function isMemorySize(value) {
  return /^\d+$/.test(value) && Number(value) >= 128 && Number(value) <= 10_240
}

function isJsonObject(value) {
  try {
    const parsed = JSON.parse(value)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  } catch {
    return false
  }
}

module.exports = { readParameters }
