import { createRequire } from 'node:module'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { testAnyTemplate } from './serverless/any-template.js'
import { functionsOf, logsAnd, rightsOf } from './serverless/rights.js'
import { everyParameter, makeService, type Packaged } from './serverless/service.js'

const service = makeService()
let full: Packaged

beforeAll(async () => {
  full = await service.package('full', everyParameter)
}, 90_000)
afterAll(() => service.close())

const deadLetterQueueArn = { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] }
const token = 'sts:GetWebIdentityToken on *'

describe('the template with every parameter', () => testAnyTemplate(() => full))

describe('with every parameter', () => {
  test('turns them into settings, none of which is a secret', () => {
    const common = {
      EVENTHUB_NAME: 'orders',
      EVENTHUB_FULLY_QUALIFIED_NAMESPACE: 'ns.servicebus.windows.net',
      EVENTHUB_IDENTITY: 'aws',
      AZURE_TENANT_ID: everyParameter.azureTenantId,
      AZURE_CLIENT_ID: everyParameter.azureClientId,
      FORWARD_PROPERTY_PREFIX: 'cloudEvents_',
    }
    for (const name of ['Kinesis', 'Dynamodb']) {
      expect(full.resource(`${name}LambdaFunction`).Environment.Variables).toEqual({
        ...common,
        FORWARD_SOURCES: name.toLowerCase(),
        FORWARD_DEAD_LETTER_QUEUE_URL: { Ref: 'DeadLetterQueue' },
      })
    }
    expect(full.resource('HttpLambdaFunction').Environment.Variables).toEqual({
      ...common,
      FRONT_DOOR_KEY: '{{resolve:secretsmanager:prod/door:SecretString:key}}',
    })
    expect(full.resource('HttpLambdaFunctionUrl').AuthType).toBe('NONE')
    expect(full.resource('QueueLambdaFunction').MemorySize).toBe(256)
  })

  test('reads streams from their beginning, record by record, for as long as they keep them', () => {
    for (const [name, arn] of [
      ['KinesisEventSourceMappingKinesisReadings', everyParameter.kinesisStreamArn],
      ['DynamodbEventSourceMappingDynamodbOrders', everyParameter.dynamodbStreamArn],
    ]) {
      expect(full.resource(name!)).toMatchObject({
        EventSourceArn: arn,
        StartingPosition: 'TRIM_HORIZON',
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: -1,
        MaximumRecordAgeInSeconds: -1,
        DestinationConfig: { OnFailure: { Destination: deadLetterQueueArn } },
      })
    }
    expect(full.resource('KinesisLagAlarm').MetricName).toBe('IteratorAge')
    expect(full.resource('DynamodbLagAlarm').MetricName).toBe('IteratorAge')
  })

  test('reads their queue, and makes none', () => {
    expect(full.resource('QueueEventSourceMappingSQSTheirsfifo').EventSourceArn).toBe(everyParameter.queueArn)
    expect(full.template.Resources).not.toHaveProperty('EventQueue')
  })

  test('listens to their topic, their bus and their bucket, and makes none', () => {
    expect(full.ofType('AWS::SNS::Subscription').map(([, { Properties }]) => Properties.TopicArn)).toEqual([
      everyParameter.snsTopicArn,
    ])
    expect(
      full.ofType('AWS::Events::Rule').map(([, { Properties }]) => [Properties.EventBusName, Properties.EventPattern]),
    ).toEqual([['orders', { source: ['shop.orders'] }]])
    expect(full.resource('BucketPermission')).toMatchObject({
      Principal: 's3.amazonaws.com',
      SourceArn: everyParameter.s3BucketArn,
      SourceAccount: { Ref: 'AWS::AccountId' },
    })
    for (const type of ['AWS::SNS::Topic', 'AWS::Events::EventBus']) expect(full.ofType(type)).toEqual([])
  })

  test('gives each function the rights of its own way in, and no other', () => {
    const decrypt = `kms:Decrypt on ${everyParameter.kmsKeyArn}`
    const stream = everyParameter.dynamodbStreamArn
    expect(rightsOf(full, 'KinesisRole')).toEqual(
      logsAnd(
        token,
        decrypt,
        'sqs:SendMessage on DeadLetterQueue',
        ...[
          'DescribeStream',
          'DescribeStreamSummary',
          'GetRecords',
          'GetShardIterator',
          'ListShards',
          'ListStreams',
        ].map((action) => `kinesis:${action} on ${everyParameter.kinesisStreamArn}`),
      ),
    )
    expect(rightsOf(full, 'DynamodbRole')).toEqual(
      logsAnd(
        token,
        decrypt,
        'sqs:SendMessage on DeadLetterQueue',
        ...['DescribeStream', 'GetRecords', 'GetShardIterator'].map((action) => `dynamodb:${action} on ${stream}`),
        `dynamodb:ListStreams on ${stream!.replace(/\/stream\/.*/, '/stream/*')}`,
      ),
    )
    expect(rightsOf(full, 'QueueRole')).toEqual(
      logsAnd(
        token,
        decrypt,
        ...['DeleteMessage', 'GetQueueAttributes', 'ReceiveMessage'].map(
          (action) => `sqs:${action} on ${everyParameter.queueArn}`,
        ),
      ),
    )
    expect(rightsOf(full, 'StepsRole')).toEqual(logsAnd(token))
  })

  test('names its roles so that the identity in Azure can trust them before they exist', () => {
    const names = full.ofType('AWS::IAM::Role').map(([, { Properties }]) => Properties.RoleName['Fn::Sub'])
    expect(names.sort()).toEqual(
      ['dynamodb', 'events', 'http', 'kinesis', 'queue', 'steps'].map(
        (name) => `eventhub-sluice-dev-\${AWS::Region}-${name}`,
      ),
    )
  })

  test('sends every alarm to the topic', () => {
    for (const [, { Properties }] of full.ofType('AWS::CloudWatch::Alarm')) {
      expect(Properties.AlarmActions).toEqual([everyParameter.alarmTopicArn])
    }
  })
})

describe('a stored connection string', () => {
  test.each([
    [
      { connectionStringSecretId: 'prod/hub#cs' },
      'EVENTHUB_CONNECTION_STRING_SECRET_ID',
      'secretsmanager:GetSecretValue',
      'secret:prod/hub-??????',
    ],
    [
      { connectionStringParameterName: '/prod/hub' },
      'EVENTHUB_CONNECTION_STRING_PARAMETER_NAME',
      'ssm:GetParameter',
      'parameter/prod/hub',
    ],
  ] as const)(
    '%j is read by the functions when they run, each with the right to that and no other',
    async (parameter, variable, action, resource) => {
      const packaged = await service.package(`stored-${action.slice(0, 3)}`, parameter)
      const [value] = Object.values(parameter)
      for (const [name, { Properties }] of functionsOf(packaged)) {
        expect(Properties.Environment.Variables[variable]).toBe(value)
        const rights = rightsOf(packaged, name.replace('LambdaFunction', 'Role')).filter((right) =>
          right.startsWith(action),
        )
        expect(rights).toEqual([expect.stringMatching(new RegExp(`${resource.replaceAll('?', '\\?')}$`))])
      }
    },
    60_000,
  )
})

describe('parameters that cannot be deployed', () => {
  test('are refused by one message that names them all', async () => {
    const wrong = {
      connectionStringSecretId: 'a',
      fullyQualifiedNamespace: 'ns.servicebus.windows.net',
      dynamodbStreamArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/Orders',
      queueArn: 'orders',
      eventPattern: 'everything',
      memorySize: '64',
      kinesisStreamArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/a/consumer/b:1',
      kmsKeyArn: 'arn:aws:kms:eu-west-1:123456789012:alias/hub',
      format: 'xml',
      propertyPrefix: 'ce-',
      // Silence would take away what the right name has made.
      snsTopicARN: 'arn:aws:sns:eu-west-1:123456789012:orders',
    }
    const outcome = await service.package('wrong', wrong).catch((error: unknown) => error)
    expect(outcome).toBeInstanceOf(Error)
    for (const words of [
      'Give one of connectionStringSecretId and fullyQualifiedNamespace',
      'fullyQualifiedNamespace needs eventHubName and azureTenantId and azureClientId',
      'dynamodbStreamArn must be the ARN of the stream',
      'queueArn must be an ARN of sqs',
      'eventPattern needs eventBusArn',
      'eventPattern must be a JSON object',
      'memorySize must be a number of megabytes, 128 to 10240',
      'kinesisStreamArn must be the ARN of the stream, not of a consumer',
      'kmsKeyArn must be the ARN of the key, not of an alias',
      'format must be cloudevents or raw',
      'propertyPrefix must be cloudEvents: or cloudEvents_',
      'There is no parameter snsTopicARN',
    ]) {
      expect((outcome as Error).message).toContain(words)
    }
  }, 60_000)

  test.each<[Record<string, string>, string]>([
    [{ azureTenantId: 'x', azureClientId: 'y' }, 'azureTenantId needs fullyQualifiedNamespace'],
    [
      {
        fullyQualifiedNamespace: 'sb://ns.servicebus.windows.net/',
        eventHubName: 'o',
        azureTenantId: 'x',
        azureClientId: 'y',
      },
      'fullyQualifiedNamespace must be a host name',
    ],
  ])('%j is refused', async (given, words) => {
    const { readParameters } = createRequire(import.meta.url)('../../infra/aws/parameters.cjs')
    const resolveVariable = async (text: string) => given[/^param:(\w+)/.exec(text)?.[1] ?? ''] ?? null
    await expect(readParameters(resolveVariable)).rejects.toThrow(words)
  })
})
