// The queue that feeds the forwarder, unless a parameter names another, and the dead-letter queue for what Event Hubs
// would not take, from every source. And what is good to know after a deployment.
const { readParameters } = require('./parameters.cjs')

const arnOf = (name) => ({ 'Fn::GetAtt': [name, 'Arn'] })

module.exports = async ({ resolveVariable }) => {
  const { queueArn } = await readParameters(resolveVariable)
  const resources = {
    DeadLetterQueue: {
      Type: 'AWS::SQS::Queue',
      Properties: { SqsManagedSseEnabled: true, MessageRetentionPeriod: 1_209_600 },
    },
  }
  const outputs = {
    EventsFunctionArn: {
      Description:
        "Make this the destination of your own functions, the target of an EventBridge rule, or of a bucket's notifications.",
      Value: arnOf('EventsLambdaFunction'),
    },
    StepsFunctionArn: { Description: 'Name this in a Task state.', Value: arnOf('StepsLambdaFunction') },
    DeadLetterQueueUrl: {
      Description: 'What could not be forwarded, after every retry.',
      Value: { Ref: 'DeadLetterQueue' },
    },
  }
  if (!queueArn) {
    resources.EventQueue = {
      Type: 'AWS::SQS::Queue',
      Properties: {
        SqsManagedSseEnabled: true,
        // Six times the function's timeout, as AWS advises: a slow batch must not come twice.
        VisibilityTimeout: 180,
        MessageRetentionPeriod: 345_600,
        RedrivePolicy: { deadLetterTargetArn: arnOf('DeadLetterQueue'), maxReceiveCount: 5 },
      },
    }
    outputs.EventQueueUrl = {
      Description: 'Messages sent here are forwarded to the event hub.',
      Value: { Ref: 'EventQueue' },
    }
  }
  return { Resources: resources, Outputs: outputs }
}
