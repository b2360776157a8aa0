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
  const problems = problemsOf(parameters)
  if (problems.length > 0) throw new Error(`The parameters cannot be deployed. ${problems.join(' ')}`)
  return parameters
}

function text(value) {
  return value === null || value === undefined || value === '' ? undefined : String(value)
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
  needs('eventPattern', 'eventBusArn')
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
  if (has('eventPattern') && !isJsonObject(parameters.eventPattern))
    problems.push('eventPattern must be a JSON object.')
  if (has('memorySize') && !/^\d+$/.test(parameters.memorySize))
    problems.push('memorySize must be a number of megabytes.')
  return problems
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
