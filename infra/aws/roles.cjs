// A role for each function, with the rights that its own way in needs and no other. Named, so that the identity in
// Azure can trust them before they exist: SERVICE-STAGE-REGION-FUNCTION.
const { readParameters } = require('./parameters.cjs')

const deadLetterQueueArn = { 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] }
const sendToDeadLetterQueue = allow(['sqs:SendMessage'], deadLetterQueueArn)

module.exports = async ({ resolveVariable }) => {
  const parameters = await readParameters(resolveVariable)
  const prefix = await resolveVariable('self:service, null')
  const stage = await resolveVariable('sls:stage, "dev"')
  const common = destinationRights(parameters)
  const role = (name, ...statements) => ({
    Type: 'AWS::IAM::Role',
    Properties: {
      RoleName: { 'Fn::Sub': `${prefix}-${stage}-\${AWS::Region}-${name}` },
      AssumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
      },
      Policies: [
        {
          PolicyName: 'forward',
          PolicyDocument: {
            Version: '2012-10-17',
            Statement: [
              allow(['logs:CreateLogStream', 'logs:PutLogEvents'], {
                'Fn::Sub': `arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:/aws/lambda/${prefix}-${stage}-${name}:*`,
              }),
              ...common,
              ...statements,
            ],
          },
        },
      ],
    },
  })

  const { queueArn, kinesisStreamArn, dynamodbStreamArn, kmsKeyArn } = parameters
  const roles = {
    QueueRole: role(
      'queue',
      allow(
        ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
        queueArn ?? { 'Fn::GetAtt': ['EventQueue', 'Arn'] },
      ),
      ...decryptFor(queueArn && kmsKeyArn),
    ),
    EventsRole: role('events', sendToDeadLetterQueue),
    StepsRole: role('steps'),
    HttpRole: role('http'),
  }
  if (kinesisStreamArn) {
    roles.KinesisRole = role(
      'kinesis',
      allow(
        [
          'kinesis:GetRecords',
          'kinesis:GetShardIterator',
          'kinesis:DescribeStream',
          'kinesis:DescribeStreamSummary',
          'kinesis:ListShards',
          // Lambda looks for it when it makes the mapping.
          'kinesis:ListStreams',
        ],
        kinesisStreamArn,
      ),
      sendToDeadLetterQueue,
      ...decryptFor(kmsKeyArn),
    )
  }
  if (dynamodbStreamArn) {
    roles.DynamodbRole = role(
      'dynamodb',
      allow(['dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:DescribeStream'], dynamodbStreamArn),
      // A stream's list is asked of the table, by a right that knows no narrower resource.
      allow(['dynamodb:ListStreams'], dynamodbStreamArn.replace(/\/stream\/.*$/, '/stream/*')),
      sendToDeadLetterQueue,
      ...decryptFor(kmsKeyArn),
    )
  }
  return { Resources: roles }
}

/** What every function needs to reach the event hub. */
function destinationRights({
  connectionStringSecretId,
  connectionStringParameterName,
  fullyQualifiedNamespace,
  kmsKeyArn,
}) {
  const rights = []
  if (connectionStringSecretId) {
    const [id] = connectionStringSecretId.split('#', 1)
    // Secrets Manager adds six characters to the name.
    const arn = id.startsWith('arn:')
      ? id
      : { 'Fn::Sub': `arn:\${AWS::Partition}:secretsmanager:\${AWS::Region}:\${AWS::AccountId}:secret:${id}-??????` }
    rights.push(allow(['secretsmanager:GetSecretValue'], arn), ...decryptFor(kmsKeyArn))
  }
  if (connectionStringParameterName) {
    const name = connectionStringParameterName
    const path = name.startsWith('/') ? name : `/${name}`
    const arn = name.startsWith('arn:')
      ? name
      : { 'Fn::Sub': `arn:\${AWS::Partition}:ssm:\${AWS::Region}:\${AWS::AccountId}:parameter${path}` }
    rights.push(allow(['ssm:GetParameter'], arn), ...decryptFor(kmsKeyArn))
  }
  if (fullyQualifiedNamespace) {
    rights.push({
      // It names no resource: the conditions are what narrows it.
      ...allow(['sts:GetWebIdentityToken'], '*'),
      Condition: {
        'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': ['api://AzureADTokenExchange'] },
        StringEquals: { 'sts:SigningAlgorithm': 'RS256' },
        NumericLessThanEquals: { 'sts:DurationSeconds': 300 },
      },
    })
  }
  return rights
}

function decryptFor(kmsKeyArn) {
  return kmsKeyArn ? [allow(['kms:Decrypt'], kmsKeyArn)] : []
}

function allow(actions, resource) {
  return { Effect: 'Allow', Action: actions, Resource: resource }
}
