import { EventHubProducerClient as OfficialProducer } from '@azure/event-hubs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import { pattern, readWithJavaScript, readWithProton, readWithPython } from './support/readers.js'
import { type Service, startService } from './support/service.js'
import { Stranger } from './support/stranger.js'

const maxMessageSizeInBytes = 1024 * 1024
/** Around where AMQP's encodings of binary change, a frame ends, and a session's window of frames begins to matter. */
const bodySizes = [0, 1, 255, 256, 257, 4096, 65_000, 65_535, 65_536, 131_072, 1_000_000]

let service: Service
let azure: Stranger
let proton: Stranger
beforeAll(async () => {
  const one = { partitionCount: 1 }
  service = await startService(
    { ours: one, python: one, 'java-script': one, proton: one, limit: one, fill: one },
    { maxMessageSizeInBytes },
  )
  azure = new Stranger('azure_client')
  proton = new Stranger('proton_client')
})
afterAll(async () => {
  await Promise.all([azure[Symbol.asyncDispose](), proton[Symbol.asyncDispose]()])
  await service[Symbol.asyncDispose]()
})

/** Each way of sending one event of each size to partition 0. */
const senders: Record<string, (eventHubName: string) => Promise<void>> = {
  ours: async (name) => {
    await using client = EventHubProducerClient.fromConnectionString(service.hub.connectionStringFor(name))
    const invocation = client.beginInvocation()
    for (const size of bodySizes) void invocation.sendEvent({ body: pattern(size) }, { partitionId: '0' })
    expect(await invocation.end()).toMatchObject({ accepted: bodySizes.length, failures: [] })
  },
  python: async (name) => {
    for (const size of bodySizes) {
      const event = { body: ['pattern', size] }
      await azure.call('send', { ...service.azure(name), events: [event], target: { partition_id: '0' } })
    }
  },
  'java-script': async (name) => {
    const client = new OfficialProducer(service.hub.connectionStringFor(name))
    for (const size of bodySizes) await client.sendBatch([{ body: pattern(size) }], { partitionId: '0' })
    await client.close()
  },
  proton: async (name) => {
    const messages = bodySizes.map((padding) => ({ padding }))
    const { answers } = await proton.call<{ answers: { state: string }[] }>('send', {
      ...service.proton,
      address: `${name}/Partitions/0`,
      messages,
    })
    expect(answers.map(({ state }) => state)).toEqual(bodySizes.map(() => 'ACCEPTED'))
  },
}

test.each(Object.keys(senders))(
  'bodies from nothing to nearly the maximum, sent by %s, are read whole by each',
  async (name) => {
    await senders[name]?.(name)
    expect(service.hub.events(name).map(({ body }) => body.length)).toEqual(bodySizes)
    const javaScript = await readWithJavaScript(service, name, bodySizes.length)
    const [python, read] = await Promise.all([
      readWithPython(azure, service.azure(name), bodySizes.length),
      readWithProton(proton, service, name, bodySizes.length),
    ])
    for (const [i, size] of bodySizes.entries()) {
      const hex = pattern(size).toString('hex')
      const inPython = size > 4096 ? ['pattern', size] : ['bytes', hex]
      expect(python[i]?.body).toEqual(inPython)
      // Past 4096 digits of hex.
      expect(read[i]?.body).toEqual(size > 2048 ? ['pattern', size] : ['binary', hex])
      // The official client takes an empty body for none.
      const body = Buffer.from((javaScript[i]?.body as Buffer | undefined) ?? '')
      expect(body.equals(pattern(size)), `${size} bytes`).toBe(true)
    }
  },
)

test('Sluice: a batch of exactly the maximum is accepted, one byte more is refused before it leaves', async () => {
  await using client = EventHubProducerClient.fromConnectionString(service.hub.connectionStringFor('limit'))
  const trial = await client.createBatch({ partitionId: '0' })
  expect(trial.maxSizeInBytes).toBe(maxMessageSizeInBytes)
  const nearly = maxMessageSizeInBytes - 1000
  expect(trial.tryAdd({ body: pattern(nearly) })).toBe(true)
  const exact = nearly + maxMessageSizeInBytes - trial.sizeInBytes
  const batch = await client.createBatch({ partitionId: '0' })
  expect(batch.tryAdd({ body: pattern(exact + 1) })).toBe(false)
  expect(batch.tryAdd({ body: pattern(exact) })).toBe(true)
  expect(batch.sizeInBytes).toBe(maxMessageSizeInBytes)
  await client.sendBatch(batch)
  const tooLarge = { code: 'event-too-large', outcome: 'refused' }
  await expect(client.sendEvent({ body: pattern(exact + 1) }, { partitionId: '0' })).rejects.toMatchObject(tooLarge)
  const invocation = client.beginInvocation()
  void invocation.sendEvent({ body: pattern(exact + 1) }, { partitionId: '0' })
  void invocation.sendEvent({ body: pattern(exact) }, { partitionId: '0' })
  const { accepted, failures } = await invocation.end()
  expect(accepted).toBe(1)
  expect(failures).toMatchObject([{ index: 0, outcome: 'refused', error: { code: 'event-too-large' } }])
  expect(service.hub.events('limit').map(({ body }) => body.length)).toEqual([exact, exact])
  const [python] = await readWithPython(azure, service.azure('limit'), 1)
  expect(python?.body).toEqual(['pattern', exact])
})

test('Proton: a message of exactly the maximum is accepted, one byte more is refused by the hub', async () => {
  const address = 'proton/Partitions/0'
  const stored = service.hub.events('proton').length
  const trial = await proton.call<{ answers: { size: number }[]; maxMessageSize: number }>('send', {
    ...service.proton,
    address,
    messages: [{ padding: 1_000_000 }],
  })
  expect(trial.maxMessageSize).toBe(maxMessageSizeInBytes)
  const exact = 1_000_000 + maxMessageSizeInBytes - (trial.answers[0]?.size ?? 0)
  const messages = [{ padding: exact }, { padding: exact + 1 }, { padding: 1 }]
  const { answers } = await proton.call<{ answers: object[] }>('send', { ...service.proton, address, messages })
  expect(answers).toMatchObject([
    { state: 'ACCEPTED', size: maxMessageSizeInBytes },
    { state: 'REJECTED', size: maxMessageSizeInBytes + 1, condition: 'amqp:link:message-size-exceeded' },
    // The link lives on.
    { state: 'ACCEPTED' },
  ])
  const sizes = service.hub.events('proton').map(({ body }) => body.length)
  expect(sizes.slice(stored)).toEqual([1_000_000, exact, 1])
})

test('Python: what its own count takes for the maximum is accepted, one byte more does not fit', async () => {
  // Its count is close to, and never below, what the message has on the wire.
  const filled = await azure.call<{ size: number; batch: number; limit: number; beyond: string }>('fill', {
    ...service.azure('fill'),
    body_size: maxMessageSizeInBytes - 64,
  })
  expect(filled.limit).toBe(maxMessageSizeInBytes)
  expect(filled.batch).toBeLessThanOrEqual(maxMessageSizeInBytes)
  expect(filled.beyond).toContain('size limit')
  expect(service.hub.events('fill').map(({ body }) => body.length)).toEqual([filled.size])
})
