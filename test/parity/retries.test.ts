import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.js'
import { EventHubProducerClient, type RetryOptions, type TransportType } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'key' } })
})
afterAll(() => hub.close())
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

/** No other wait in the client is as long as one of these. */
const delay = 777
const pausesToSkip = new Set([0.8, 1, 1.2, 2, 4].map((factor) => Math.round(factor * delay)).concat(4000, 7000))

describe.each<TransportType>(['amqp', 'amqpOverWebSocket', 'https'])('over %s, a send', (transportType) => {
  /** A client whose pauses between attempts take no time, and those pauses. */
  async function connect(retryOptions: RetryOptions = {}, random = 0.5) {
    const pauses: number[] = []
    const port = transportType === 'amqp' ? hub.amqpPort : hub.httpPort
    const text = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`
    const client = EventHubProducerClient.fromConnectionString(text, {
      transportType,
      retryOptions: { retryDelayInMs: delay, ...retryOptions },
      random: () => random,
      clock: {
        ...systemClock,
        schedule: (delayInMs, callback) => {
          const rounded = Math.round(delayInMs)
          if (!pausesToSkip.has(rounded)) return systemClock.schedule(delayInMs, callback)
          pauses.push(rounded)
          // A service is busy until the pause is over.
          hub.faults.throttle = undefined
          return systemClock.schedule(0, callback)
        },
      },
    })
    clients.push(client)
    await client.sendEvent({ body: 'warm' })
    return { client, pauses, stored: hub.events('events').length }
  }

  const fails = (count: number, condition = 'amqp:internal-error') => hub.faults.rejectNext({ condition, count })

  test('is tried again after pauses that double: three times by default', async () => {
    const { client, pauses, stored } = await connect()
    fails(3)
    await client.sendEvent({ body: 'a' })
    expect(pauses).toEqual([delay, 2 * delay, 4 * delay])
    expect(hub.events('events')).toHaveLength(stored + 1)
  })

  test("is tried again after pauses all alike with mode: 'fixed'", async () => {
    const { client, pauses } = await connect({ mode: 'fixed' })
    fails(3)
    await client.sendEvent({ body: 'a' })
    expect(pauses).toEqual([delay, delay, delay])
  })

  test.each([
    [0, 0.8],
    [1, 1.2],
  ])('is tried again after a pause that is spread by a fifth (%d)', async (random, factor) => {
    const { client, pauses } = await connect({}, random)
    fails(1)
    await client.sendEvent({ body: 'a' })
    expect(pauses).toEqual([Math.round(factor * delay)])
  })

  test('is given up after maxRetries, with what the service said last', async () => {
    const { client, pauses } = await connect({ maxRetries: 1 })
    fails(2)
    await expect(client.sendEvent({ body: 'a' })).rejects.toMatchObject({ code: 'service-error', retryable: true })
    expect(pauses).toEqual([delay])
  })

  test('waits no longer than maxRetryDelayInMs', async () => {
    const { client, pauses } = await connect({ maxRetryDelayInMs: delay }, 1)
    fails(3)
    await client.sendEvent({ body: 'a' })
    expect(pauses).toEqual([delay, delay, delay])
  })

  test('gives a busy service the time it asks for, or 4 s', async () => {
    const { client, pauses, stored } = await connect()
    if (transportType === 'https') hub.faults.throttle = { retryAfterInSeconds: 7 }
    else hub.faults.rejectNext({ condition: 'com.microsoft:server-busy' })
    await client.sendEvent({ body: 'a' })
    expect(pauses).toEqual([transportType === 'https' ? 7000 : 4000])
    expect(hub.events('events')).toHaveLength(stored + 1)
  })

  test.each(['com.microsoft:argument-error', 'com.microsoft:entity-disabled', 'amqp:resource-limit-exceeded'])(
    'that is refused for good (%s) is not tried again',
    async (condition) => {
      const { client, pauses, stored } = await connect()
      fails(1, condition)
      await expect(client.sendEvent({ body: 'a' })).rejects.toMatchObject({ retryable: false })
      expect(pauses).toEqual([])
      expect(hub.events('events')).toHaveLength(stored)
    },
  )

  test('is not tried again past its own time', async () => {
    const { client, pauses } = await connect()
    fails(1)
    await expect(client.sendEvent({ body: 'a' }, { timeoutInMs: delay - 1 })).rejects.toMatchObject({
      code: 'service-error',
    })
    expect(pauses).toEqual([])
  })
})
