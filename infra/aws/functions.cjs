// The functions, one for each way in. Those of sources that are not named by a parameter are left out: a stream costs
// something, and an unused function is one more thing to guard.
const { readParameters } = require('./parameters.cjs')
const { present } = require('./settings.cjs')

const deadLetterQueue = { type: 'sqs', arn: { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] } }
const forwarder = 'infra/entrypoints/aws-lambda.handler'

module.exports = async ({ resolveVariable }) => {
  const parameters = await readParameters(resolveVariable)
  return present({
    queue: queue(parameters),
    kinesis: parameters.kinesisStreamArn && stream('kinesis', 'Kinesis records', parameters.kinesisStreamArn),
    dynamodb: parameters.dynamodbStreamArn && stream('dynamodb', 'DynamoDB changes', parameters.dynamodbStreamArn),
    events: events(parameters),
    steps: {
      handler: forwarder,
      description: 'Forwards what a Step Functions task passes to Azure Event Hubs',
      role: 'StepsRole',
      environment: { FORWARD_SOURCES: 'step-functions' },
    },
    http: http(parameters),
  })
}

function queue({ queueArn }) {
  return {
    handler: forwarder,
    description: 'Forwards SQS messages to Azure Event Hubs',
    role: 'QueueRole',
    environment: { FORWARD_SOURCES: 'sqs' },
    events: [
      {
        sqs: {
          arn: queueArn ?? { 'Fn::GetAtt': ['EventQueue', 'Arn'] },
          functionResponseType: 'ReportBatchItemFailures',
          batchSize: 10,
        },
      },
    ],
  }
}

/**
 * What can never be sent goes to the dead-letter queue by the function itself. All else fails only for a while, so the
 * mapping tries for as long as the stream keeps the records; an alarm tells that it lags.
 */
function stream(type, records, arn) {
  return {
    handler: forwarder,
    description: `Forwards ${records} to Azure Event Hubs`,
    role: `${capitalized(type)}Role`,
    environment: { FORWARD_SOURCES: type, FORWARD_DEAD_LETTER_QUEUE_URL: { Ref: 'DeadLetterQueue' } },
    events: [
      {
        stream: {
          type,
          arn,
          startingPosition: 'TRIM_HORIZON',
          batchSize: 500,
          batchWindow: 1,
          functionResponseType: 'ReportBatchItemFailures',
          bisectBatchOnFunctionError: true,
          maximumRetryAttempts: -1,
          maximumRecordAgeInSeconds: -1,
          destinations: { onFailure: deadLetterQueue },
        },
      },
    ],
  }
}

/** Everything that invokes asynchronously. Lambda drops such an event after two retries: not without the queue. */
function events({ snsTopicArn, eventBusArn, eventPattern }) {
  return {
    handler: forwarder,
    description:
      'Forwards Lambda destinations, EventBridge events, SNS messages and S3 notifications to Azure Event Hubs',
    role: 'EventsRole',
    environment: { FORWARD_SOURCES: 'lambda-destination,eventbridge,sns,s3' },
    maximumRetryAttempts: 2,
    maximumEventAge: 21600,
    destinations: { onFailure: deadLetterQueue },
    events: [
      ...(snsTopicArn ? [{ sns: { arn: snsTopicArn } }] : []),
      ...(eventBusArn
        ? [
            {
              eventBridge: {
                eventBus: eventBusArn,
                // Everything on the bus, unless told otherwise.
                pattern: JSON.parse(eventPattern ?? '{"version":["0"]}'),
              },
            },
          ]
        : []),
    ],
  }
}

/** With a key of its own the door stands open to everyone who has it; without one, to whom IAM lets in. */
function http({ frontDoorKeySecretId }) {
  return {
    handler: 'infra/entrypoints/http-lambda.handler',
    description: 'HTTP door to Azure Event Hubs',
    role: 'HttpRole',
    environment: frontDoorKeySecretId ? { FRONT_DOOR_KEY: lookedUp(frontDoorKeySecretId) } : {},
    url: frontDoorKeySecretId ? {} : { authorizer: 'aws_iam' },
  }
}

/** For CloudFormation to look up when it deploys: a secret by name or ARN, or `id#key`, a key of a JSON secret. */
function lookedUp(secretId) {
  const [id, key] = secretId.split('#', 2)
  return `{{resolve:secretsmanager:${id}${key ? `:SecretString:${key}` : ''}}}`
}

function capitalized(name) {
  return name[0].toUpperCase() + name.slice(1)
}
