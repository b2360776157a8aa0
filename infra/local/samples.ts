import { readFile } from 'node:fs/promises'
// A CommonJS bundle whose named exports Node cannot all see.
import azureFunctions, { type InvocationContext } from '@azure/functions'
import type { Context, SQSEvent } from 'aws-lambda'
import { forwardToEventHub } from '../../adapters/aws-lambda/index.js'
import { eventData, eventHubOutput, withEventHub } from '../../adapters/azure-functions/index.js'
import type { EventHubProducerClient } from '../../core/client.js'

/** What one trigger brought, and how it was answered. */
export interface SampleResult {
  readonly trigger: string
  readonly adapter: string
  readonly answer: string
}

export interface SampleEnvironment {
  readonly client: EventHubProducerClient
  /** The running front door and its key. */
  readonly frontDoor: { readonly url: string; readonly key: string }
  /** Folder with the recorded input. */
  readonly fixtures: URL
}

/** Sends recorded input of real shapes through every adapter, one after another. */
export async function runSamples(environment: SampleEnvironment): Promise<SampleResult[]> {
  return [
    ...(await throughLambda(environment)),
    ...(await throughFunctions(environment)),
    ...(await throughFrontDoor(environment)),
  ]
}

async function throughLambda({ client, fixtures }: SampleEnvironment): Promise<SampleResult[]> {
  const handler = forwardToEventHub({ client, warmUp: false })
  const context = { getRemainingTimeInMillis: () => 10_000 } as Context
  const results: SampleResult[] = []
  for (const [trigger, file] of [
    ['SQS batch', 'aws/sqs.json'],
    ['SQS FIFO batch', 'aws/sqs-fifo.json'],
    ['Lambda destination', 'aws/destination-success.json'],
    ['EventBridge event', 'aws/eventbridge-custom.json'],
  ] as const) {
    const event = JSON.parse(await readFile(new URL(file, fixtures), 'utf8')) as SQSEvent
    const answer = await handler(event, context).then(
      (value) => `${JSON.stringify(value) ?? 'no value'}: done`,
      (error: Error) => `throws ${error.name}`,
    )
    results.push({ trigger, adapter: 'aws-lambda', answer })
  }
  return results
}

async function throughFunctions({ client }: SampleEnvironment): Promise<SampleResult[]> {
  const output = eventHubOutput({ client, name: 'events' })
  // As a queue function would: one message in, two events out, one of them binary.
  const handler = withEventHub(output, (message: { order: string }, context: InvocationContext) => {
    context.extraOutputs.set(output, [
      eventData({ body: message, partitionKey: message.order, properties: { kind: 'order' } }),
      eventData({ body: new Uint8Array([0xca, 0xfe, 0x00, 0xff]), partitionKey: message.order }),
    ])
  })
  const context = new azureFunctions.InvocationContext({ functionName: 'fromQueue', invocationId: 'local-1' })
  const answer = await handler({ order: 'A-2001' }, context).then(
    () => 'succeeds: the message leaves the queue',
    (error: Error) => `fails with ${error.name}`,
  )
  return [{ trigger: 'queue message', adapter: 'azure-functions', answer }]
}

async function throughFrontDoor({ frontDoor, fixtures }: SampleEnvironment): Promise<SampleResult[]> {
  const results: SampleResult[] = []
  for (const [trigger, file, contentType] of [
    ['CloudEvents batch', 'http/cloudevents-batch.json', 'application/cloudevents-batch+json'],
    ['NDJSON, line 2 malformed', 'http/readings.ndjson', 'application/x-ndjson'],
  ] as const) {
    const response = await fetch(`${frontDoor.url}/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${frontDoor.key}`, 'content-type': contentType },
      body: await readFile(new URL(file, fixtures)),
    })
    const answer = (await response.json()) as { results?: { status: string; message?: string }[]; detail?: string }
    const said = answer.results?.map(({ status, message }) => (message ? `${status} (${message})` : status)) ?? [
      answer.detail,
    ]
    results.push({ trigger, adapter: 'fetch', answer: `${response.status}: ${said.join(', ')}` })
  }
  return results
}
