// What a person should look at, and the permission of a bucket to notify.
const { readParameters } = require('./parameters.cjs')

const deadLetterQueueName = { 'Fn::GetAtt': ['DeadLetterQueue', 'QueueName'] }

module.exports = async ({ resolveVariable }) => {
  const { alarmTopicArn, queueArn, kinesisStreamArn, dynamodbStreamArn, s3BucketArn } =
    await readParameters(resolveVariable)

  const alarm = (description, metric, settings = {}) => ({
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmDescription: description,
      ...metric,
      Statistic: 'Sum',
      Period: 300,
      EvaluationPeriods: 1,
      Threshold: 0,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      ...(alarmTopicArn ? { AlarmActions: [alarmTopicArn], OKActions: [alarmTopicArn] } : {}),
      ...settings,
    },
  })
  const ofFunction = (logicalId, metricName) => ({
    Namespace: 'AWS/Lambda',
    MetricName: metricName,
    Dimensions: [{ Name: 'FunctionName', Value: { Ref: `${logicalId}LambdaFunction` } }],
  })
  const ofQueue = (queueName, metricName) => ({
    Namespace: 'AWS/SQS',
    MetricName: metricName,
    Dimensions: [{ Name: 'QueueName', Value: queueName }],
  })

  const resources = {
    DeadLettersAlarm: alarm(
      'Something could not be forwarded to Azure Event Hubs, after every retry. It waits in the dead-letter queue.',
      ofQueue(deadLetterQueueName, 'ApproximateNumberOfMessagesVisible'),
      { Statistic: 'Maximum' },
    ),
    QueueAgeAlarm: alarm(
      'Messages have waited for a quarter of an hour to be forwarded to Azure Event Hubs.',
      ofQueue(
        queueArn ? queueArn.split(':').at(-1) : { 'Fn::GetAtt': ['EventQueue', 'QueueName'] },
        'ApproximateAgeOfOldestMessage',
      ),
      { Statistic: 'Maximum', Threshold: 900 },
    ),
    EventsDroppedAlarm: alarm(
      'Lambda has dropped an event without giving it to the dead-letter queue.',
      ofFunction('Events', 'DestinationDeliveryFailures'),
    ),
  }
  const functions = ['Queue', 'Events', 'Steps', 'Http']
  if (kinesisStreamArn) functions.push('Kinesis')
  if (dynamodbStreamArn) functions.push('Dynamodb')
  for (const name of functions) {
    resources[`${name}ErrorsAlarm`] = alarm(
      `The function has failed in three periods on end: ${name}. Its log says why.`,
      ofFunction(name, 'Errors'),
      { EvaluationPeriods: 3 },
    )
    resources[`${name}ThrottlesAlarm`] = alarm(
      `The function was throttled in three periods on end: ${name}. Raise its concurrency.`,
      ofFunction(name, 'Throttles'),
      { EvaluationPeriods: 3 },
    )
  }
  for (const name of ['Kinesis', 'Dynamodb'].filter((one) => functions.includes(one))) {
    resources[`${name}LagAlarm`] = alarm(
      `Records have waited for a quarter of an hour to be forwarded: ${name}. Before the stream's retention ends, they must have been.`,
      ofFunction(name, 'IteratorAge'),
      { Statistic: 'Maximum', Threshold: 900_000 },
    )
  }
  if (s3BucketArn) {
    resources.BucketPermission = {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        FunctionName: { Ref: 'EventsLambdaFunction' },
        Action: 'lambda:InvokeFunction',
        Principal: 's3.amazonaws.com',
        SourceArn: s3BucketArn,
        SourceAccount: { Ref: 'AWS::AccountId' },
      },
    }
  }
  return { Resources: resources }
}
