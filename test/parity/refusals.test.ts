import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type TransportType,
} from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

const limit = 60_000
let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({
    sharedAccessKeys: { root: 'the-key', reader: { key: 'reader-key', rights: ['listen'] } },
    maxMessageSizeInBytes: limit,
  })
})
afterAll(() => hub.close())
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

const transportTypes: TransportType[] = ['amqp', 'amqpOverWebSocket', 'https']

describe.each(transportTypes)('over %s, is refused at once, by code, saying what to do:', (transportType) => {
  function connect(
    { keyName = 'root', key = 'the-key', eventHubName = 'events' } = {},
    options: EventHubProducerClientOptions = {},
  ): EventHubProducerClient {
    const port = transportType === 'amqp' ? hub.amqpPort : hub.httpPort
    const text = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=${keyName};SharedAccessKey=${key};EntityPath=${eventHubName};UseDevelopmentEmulator=true`
    // Retries as they are by default: what is refused for good must not wait for any.
    const client = EventHubProducerClient.fromConnectionString(text, { transportType, ...options })
    clients.push(client)
    return client
  }

  const event = { body: 'must not arrive' }

  /** The errors of both ways to send, and of the client with a buffer; each within a second. */
  async function errorsOf(
    connectOne: (options?: EventHubProducerClientOptions) => EventHubProducerClient,
    prepare = () => {},
    sent: { readonly body: string } = event,
  ): Promise<EventHubError[]> {
    const errors: EventHubError[] = []
    const startedAt = performance.now()
    prepare()
    errors.push(
      await connectOne()
        .sendEvent(sent)
        .then(
          () => Promise.reject(new Error('It was expected to be refused.')),
          (error) => error,
        ),
    )
    prepare()
    const invocation = connectOne().beginInvocation()
    void invocation.sendEvent(sent)
    const { accepted, failures } = await invocation.end()
    expect([accepted, failures.length]).toEqual([0, 1])
    errors.push(...failures.map(({ error }) => error))
    prepare()
    const buffered = connectOne({
      bufferedMode: true,
      onSuccess: () => {
        throw new Error('It was expected to be refused.')
      },
      onError: (_events, _partitionId, error) => {
        errors.push(error)
      },
    })
    await buffered.sendEvent(sent)
    await buffered.flush()
    expect(performance.now() - startedAt).toBeLessThan(3000)
    expect(errors).toHaveLength(3)
    expect(hub.events('events')).toEqual([])
    return errors
  }

  const isHttps = transportType === 'https'

  test('a wrong key', async () => {
    for (const error of await errorsOf((options) => connect({ key: 'a-wrong-key' }, options))) {
      expect(error).toMatchObject({ code: 'unauthorized', retryable: false })
      expect(error.message).toMatch(/Check .*(key|right)/)
    }
  })

  test('a key without the right to send', async () => {
    const errors = await errorsOf((options) => connect({ keyName: 'reader', key: 'reader-key' }, options))
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'unauthorized', retryable: false })
      expect(error.message).toContain('Azure Event Hubs Data Sender')
    }
  })

  test('an event hub that does not exist', async () => {
    for (const error of await errorsOf((options) => connect({ eventHubName: 'nowhere' }, options))) {
      expect(error).toMatchObject({ code: 'entity-not-found', retryable: false })
      expect(error.message).toMatch(/Check the name/)
    }
  })

  test('an event hub that is disabled', async () => {
    const prepare = () => hub.faults.rejectNext({ condition: 'com.microsoft:entity-disabled' })
    for (const error of await errorsOf((options) => connect({}, options), prepare)) {
      // HTTP says 403 for it, as it does for a missing right.
      expect(error).toMatchObject({
        code: isHttps ? 'unauthorized' : 'entity-disabled',
        outcome: 'refused',
        retryable: false,
      })
      expect(error.message).toMatch(isHttps ? /disabled/ : /Enable the event hub/)
    }
  })

  test('a quota that is used up', async () => {
    const prepare = () => hub.faults.rejectNext({ condition: 'amqp:resource-limit-exceeded' })
    for (const error of await errorsOf((options) => connect({}, options), prepare)) {
      expect(error).toMatchObject({
        code: isHttps ? 'unauthorized' : 'quota-exceeded',
        outcome: 'refused',
        retryable: false,
      })
      expect(error.message).toMatch(/quota/)
    }
  })

  test('an event that is too large for this event hub', async () => {
    const errors = await errorsOf((options) => connect({}, options), undefined, { body: 'x'.repeat(limit) })
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'event-too-large', outcome: 'refused', retryable: false })
      expect(error.message).not.toContain('xxx')
    }
    expect(errors[0]?.message).toMatch(/smaller/)
  })

  test('an event that no event hub takes: nothing is asked of the service', async () => {
    const client = connect()
    const before = hub.connections.length
    const error = await client.sendEvent({ body: 'x'.repeat(1_100_000) }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'event-too-large', outcome: 'refused', retryable: false })
    expect(error.message).toMatch(/1048576 bytes.*smaller/)
    expect(hub.connections).toHaveLength(before)
  })

  test('a partition that does not exist, where the ids are not known here', async () => {
    const error = await connect()
      .sendEvent(event, { partitionId: '99' })
      .catch((thrown) => thrown)
    expect(error).toMatchObject({ code: isHttps ? 'entity-not-found' : 'argument-error', retryable: false })
    expect(error.message).toMatch(/Check .*partition/)
  })
})
