import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { connect } from '../../../adapters/aws-lambda/connection.js'
import { createForwarder } from '../../../adapters/aws-lambda/forward.js'
import { createWithEventHub } from '../../../adapters/aws-lambda/with-event-hub.js'
import type { EventHubProducerClient } from '../../../core/client.js'
import { systemClock } from '../../../core/clock.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { VirtualClock } from '../../support/virtual-clock.js'
import { type AwsAnswer, startFakeAws } from './aws/fake-aws.js'
import { contextWith, recordingLogger } from './fake-client.js'
import { fixture } from './fixtures.js'

/** The real client, a real hub, and a fake AWS where the connection string is kept. */
let hub: LocalHub
let aws: Awaited<ReturnType<typeof startFakeAws>>
let stored: string
let answer: () => AwsAnswer
let passed: number
const clients = new Set<EventHubProducerClient>()
const clock = { ...systemClock, wallNow: () => Date.now() + passed }
const keyName = 'RootManageSharedAccessKey'
const minute = 60_000

beforeEach(async () => {
  passed = 0
  hub = await startLocalHub({
    eventHubs: { orders: { partitionCount: 2 }, invoices: { partitionCount: 1 } },
    now: clock.wallNow,
  })
  stored = hub.connectionStringFor('orders')
  answer = () => ({ body: JSON.stringify({ SecretString: stored }) })
  aws = await startFakeAws(() => answer(), clock.wallNow)
})
afterEach(async () => {
  await Promise.all([...clients].map((client) => client.close({ flush: false })))
  clients.clear()
  await hub.close()
  await aws.close()
})

const surroundings = (more: Record<string, string> = {}) => ({
  environment: { ...aws.environment, EVENTHUB_CONNECTION_STRING_SECRET_ID: 'prod/hub', ...more },
  clock,
})

function connected(logger = recordingLogger()) {
  const getClient = connect({ clientOptions: { clock, logger } }, surroundings())
  return async (timeInMs?: number) => {
    const client = await getClient(timeInMs)
    clients.add(client)
    return client
  }
}

async function send(client: EventHubProducerClient, count = 10, body = 'x') {
  const invocation = client.beginInvocation({ timeoutInMs: 5000 })
  for (let n = 0; n < count; n++) void invocation.sendEvent({ body }, { partitionKey: String(n) })
  return invocation.end()
}

/** What the portal does for "regenerate", and what is stored afterwards. */
function rotate(key: string) {
  hub.replaceSharedAccessKey(keyName, key)
  stored = stored.replace(/SharedAccessKey=[^;]+/, `SharedAccessKey=${key}`)
}

describe('a connection string that AWS keeps', () => {
  test('is fetched with the first use and then used until its time is up', async () => {
    const getClient = connected()
    expect(aws.requests).toEqual([])
    const client = await getClient()
    expect(await send(client)).toMatchObject({ accepted: 10, failures: [] })
    passed += 4 * minute
    expect(await getClient()).toBe(client)
    // Once for the client, and once because a signature was due: within the same minutes, so from memory.
    expect(aws.requests).toHaveLength(1)
    passed += minute
    expect(await getClient()).toBe(client)
    expect(aws.requests).toHaveLength(2)
  })

  test('may change its key in the middle of a burst: no send fails, and no connection is lost', async () => {
    const getClient = connected()
    const client = await getClient()
    await send(client)
    const connections = hub.connections.map(({ id }) => id)

    const invocation = client.beginInvocation({ timeoutInMs: 5000 })
    for (let n = 0; n < 50; n++) void invocation.sendEvent({ body: n }, { partitionKey: String(n) })
    rotate('a-new-key')
    // What was claimed with the old key ends, as it does in time: everything has to be claimed anew.
    passed += 61 * minute
    for (let n = 50; n < 100; n++) void invocation.sendEvent({ body: n }, { partitionKey: String(n) })
    expect(await invocation.end()).toMatchObject({ accepted: 100, failures: [] })
    expect(hub.connections.map(({ id }) => id)).toEqual(connections)
  })

  test('whose old key is refused is fetched at once, though its time is not up', async () => {
    const getClient = connected()
    const client = await getClient()
    rotate('a-new-key')
    passed += 2_000
    // Nothing is claimed yet: the old key would be refused, and no event may notice.
    expect(await send(client)).toMatchObject({ accepted: 10, failures: [] })
    expect(aws.requests).toHaveLength(2)
  })

  test('stays in use while AWS does not answer', async () => {
    const logger = recordingLogger()
    const getClient = connected(logger)
    const client = await getClient()
    await send(client)
    answer = () => ({ status: 500, body: '' })
    passed += 10 * minute
    expect(await getClient()).toBe(client)
    expect(await send(client)).toMatchObject({ accepted: 10, failures: [] })
    expect(logger.lines.join()).toContain('the last one stays in use')
  })

  test('that has become nonsense leaves the last one in use, and says so without repeating it', async () => {
    const logger = recordingLogger()
    const getClient = connected(logger)
    const client = await getClient()
    stored = 'Endpoint=sb://x/;SharedAccessKey=c2VjcmV0'
    passed += 5 * minute
    expect(await getClient()).toBe(client)
    expect(await send(client)).toMatchObject({ accepted: 10, failures: [] })
    expect(logger.lines.join()).toContain('the secret prod/hub is no connection string to use')
    expect(logger.lines.join()).not.toContain('c2VjcmV0')
  })

  test('that leads elsewhere makes a new client, after the old one has sent what it took', async () => {
    const getClient = connected()
    const first = await getClient()
    const invocation = first.beginInvocation({ timeoutInMs: 5000 })
    void invocation.sendEvent({ body: 'late' })
    stored = hub.connectionStringFor('invoices')
    passed += 5 * minute
    const second = await getClient()
    expect(second).not.toBe(first)
    expect(await invocation.end()).toMatchObject({ accepted: 1, failures: [] })
    await send(second, 1)
    expect([hub.events('orders').length, hub.events('invoices').length]).toEqual([1, 1])
    expect(await getClient()).toBe(second)
  })
})

describe('a handler whose connection string cannot be fetched', () => {
  const unavailable = () => ({ status: 503, body: '' })

  test('acknowledges nothing, in the source’s own terms, and recovers by itself', async () => {
    answer = unavailable
    const logger = recordingLogger()
    const handler = createForwarder({ logger, auth: 'aws' }, surroundings())
    const event = fixture('sqs')
    expect(await handler(event, contextWith())).toEqual({
      batchItemFailures: event.Records.map(({ messageId }) => ({ itemIdentifier: messageId })),
    })
    expect(logger.lines.join()).toContain('secretsmanager:GetSecretValue failed: AWS answered 503')
    expect(await handler(fixture('function-url'), contextWith())).toMatchObject({ statusCode: 503 })
    await expect(handler(fixture('eventbridge-custom'), contextWith())).rejects.toMatchObject({
      name: 'EventsNotAcceptedError',
      retryable: true,
    })
    answer = () => ({ body: JSON.stringify({ SecretString: stored }) })
    expect(await handler(event, contextWith())).toEqual({ batchItemFailures: [] })
  })

  test.each([
    ['a tenth', undefined, 360],
    ['what reserveInMs says', 150, 250],
  ])('answers before the function’s time is up, by %s of it', async (_, reserveInMs, timeInMs) => {
    await aws.close()
    const virtual = new VirtualClock()
    aws = await startFakeAws(
      () => new Promise<AwsAnswer>(() => {}),
      () => virtual.wallNow(),
    )
    const given = { ...surroundings(), clock: virtual }
    const options = reserveInMs === undefined ? {} : { reserveInMs }
    const forwarder = createForwarder({ ...options, logger: recordingLogger() }, given)
    const wrapped = createWithEventHub(options, () => 'never', given)
    const answers = new Map<string, unknown>()
    const keepAs = (name: string) => (answer: unknown) => void answers.set(name, answer)
    void forwarder(fixture('sqs'), contextWith(400)).then(keepAs('forwarder'))
    void wrapped({}, contextWith(400)).catch(keepAs('wrapped'))
    await virtual.advance(timeInMs - 1)
    expect(answers.size).toBe(0)
    await virtual.advance(1)
    expect(answers.get('forwarder')).toMatchObject({ batchItemFailures: [{}, {}, {}] })
    expect(answers.get('wrapped')).toMatchObject({ code: 'timeout' })
  })

  test('of the user’s own does not run: it would have nowhere to send to', async () => {
    answer = unavailable
    const ran: unknown[] = []
    const handler = createWithEventHub({}, (event) => void ran.push(event), surroundings())
    await expect(handler({}, contextWith())).rejects.toMatchObject({ code: 'authentication-failed' })
    expect(ran).toEqual([])
  })

  test('whose secret is no connection string says which secret, and not what is in it', async () => {
    stored = 'hunter2'
    const logger = recordingLogger()
    const handler = createForwarder({ logger }, surroundings())
    const event = fixture('sqs')
    expect(await handler(event, contextWith())).toMatchObject({ batchItemFailures: [{}, {}, {}] })
    expect(logger.lines.join()).toContain('the secret prod/hub is no connection string to use')
    expect(logger.lines.join()).not.toContain('hunter2')
  })
})
