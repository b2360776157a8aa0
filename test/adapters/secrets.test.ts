import { inspect } from 'node:util'
import { InvocationContext } from '@azure/functions'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forwardToEventHub, withEventHub } from '../../adapters/aws-lambda/index.js'
import { eventHubOutput, withEventHub as withOutput } from '../../adapters/azure-functions/index.js'
import { apiKeyAuth, basicAuth, createFetchHandler, gitHubAuth } from '../../adapters/fetch/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { everythingShownBy } from '../support/thrown.js'
import { contextWith } from './aws-lambda/fake-client.js'
import { fixture } from './aws-lambda/fixtures.js'

const key = 'c2VjcmV0LWtleS1ub2JvZHktbWF5LXNlZQ=='
const wrongKey = 'd3JvbmcgYnV0IHN0aWxsIGEgc2VjcmV0'
const callersKey = 'the-key-of-a-caller-1234'
const body = 'a body that nobody but the event hub may see'
const secrets = [key, wrongKey, callersKey, body]

let hub: LocalHub
/** Everything that went to the console or to the two streams, whoever wrote it; the hub's own log too. */
const printed: string[] = []
const shown: string[] = []

beforeEach(async () => {
  printed.length = 0
  shown.length = 0
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
    vi.spyOn(console, name).mockImplementation((...parts: unknown[]) => {
      printed.push(parts.map((part) => inspect(part, { depth: 6, showHidden: true })).join(' '))
    })
  }
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      printed.push(String(chunk))
      return true
    })
  }
  hub = await startLocalHub({
    sharedAccessKeys: { root: key },
    maxMessageSizeInBytes: 20_000,
    logger: (line) => printed.push(line),
  })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await hub.close()
})

/** The events' destination, and those that will fail: a wrong key, a wrong name, nobody there. */
function destinations() {
  const to = (port: number, sharedAccessKey: string, name = 'events') => ({
    connectionString: `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=${sharedAccessKey};EntityPath=${name};UseDevelopmentEmulator=true`,
    clientOptions: { retryOptions: { maxRetries: 1, retryDelayInMs: 5, tryTimeoutInMs: 500 } },
  })
  return {
    good: to(hub.amqpPort, key),
    failing: [to(hub.amqpPort, wrongKey), to(hub.amqpPort, key, 'nowhere'), to(1, key)],
  }
}

async function show(call: () => unknown): Promise<void> {
  try {
    shown.push(inspect(await call(), { depth: 6 }))
  } catch (error) {
    shown.push(everythingShownBy(error), inspect(error, { depth: 6 }))
  }
}

function expectNoSecret(): void {
  for (const secret of secrets) {
    // By number: a failure must not print what it found.
    const found = [...printed, ...shown].flatMap((text, at) => (text.includes(secret) ? [at] : []))
    expect(found, `where secret ${secrets.indexOf(secret)} stands`).toEqual([])
  }
}

test('AWS Lambda: what is logged and thrown shows no key and no event, whatever fails', async () => {
  const { good, failing } = destinations()
  const sqs = fixture('sqs')
  for (const record of sqs.Records) record.body = JSON.stringify({ body })
  const tooLarge = { ...sqs, Records: [{ ...sqs.Records[0], body: body.repeat(1000) }] }
  for (const destination of [good, ...failing]) {
    await show(() => forwardToEventHub(destination)(sqs, contextWith()))
    await show(() => forwardToEventHub(destination)(tooLarge, contextWith()))
    await show(() => forwardToEventHub(destination)({ unknown: body } as never, contextWith()))
    await show(() =>
      withEventHub(destination, (event: unknown, _context, invocation) => {
        void invocation.sendEvent({ body: event })
      })({ body }, contextWith()),
    )
  }
  // It came as far as the event hub: some were accepted, and some were not, for each reason.
  const all = shown.join()
  for (const part of ['batchItemFailures: []', 'unauthorized', 'entity-not-found', 'connection-lost']) {
    expect(all).toContain(part)
  }
  expect(printed.length).toBeGreaterThan(0)
  expectNoSecret()
})

test('Azure Functions: what is logged and thrown shows no key and no event, whatever fails', async () => {
  const { good, failing } = destinations()
  for (const destination of [good, ...failing]) {
    const orders = eventHubOutput({ ...destination, timeoutInMs: 2000 })
    const context = new InvocationContext({
      functionName: 'f',
      logHandler: (_level, ...parts) => printed.push(parts.map((part) => inspect(part)).join(' ')),
    })
    for (const output of [{ body }, body.repeat(1000), () => body, undefined]) {
      await show(() =>
        withOutput(orders, (_input: unknown, { extraOutputs }) => {
          extraOutputs.set(orders, output)
        })(undefined, context),
      )
    }
  }
  const all = shown.join()
  for (const part of ['unauthorized', 'entity-not-found', 'connection-lost', 'too-large']) expect(all).toContain(part)
  expectNoSecret()
})

test('the front door: what is logged, thrown and answered shows no key and no event, whatever fails', async () => {
  const { good, failing } = destinations()
  for (const destination of [good, ...failing]) {
    const handler = createFetchHandler({
      ...destination,
      auth: [
        { bearer: callersKey },
        apiKeyAuth({ keys: [callersKey] }),
        basicAuth({ users: { caller: callersKey } }),
        gitHubAuth({ secrets: [callersKey] }),
      ],
      timeoutInMs: 2000,
    })
    const answers: Response[] = []
    const types = [
      'application/json',
      'application/x-ndjson',
      'text/plain',
      'application/cloudevents+json',
      'image/png',
    ]
    for (const type of types) {
      for (const authorization of [
        `Bearer ${callersKey}`,
        `Bearer ${callersKey}!`,
        `Basic ${btoa(`caller:${callersKey}!`)}`,
      ]) {
        for (const content of [JSON.stringify({ body }), `{"body":"${body}`, JSON.stringify(body.repeat(1000))]) {
          for (const path of ['/events', '/events:batch']) {
            const headers = { 'content-type': type, authorization, 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
            answers.push(
              await handler.fetch(new Request(`http://door.test${path}`, { method: 'POST', headers, body: content })),
            )
          }
        }
      }
    }
    for (const answer of answers) shown.push(await answer.text(), inspect([...answer.headers]))
  }
  for (const part of ['"accepted":1', '"status":401', 'unauthorized', 'entity-not-found']) {
    expect(shown.join()).toContain(part)
  }
  expect(printed.length).toBeGreaterThan(0)
  expectNoSecret()
}, 60_000)
