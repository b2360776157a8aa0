import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import { type AzureEvent, readWithJavaScript, readWithProton, readWithPython } from './support/readers.js'
import { type Service, startService } from './support/service.js'
import { Stranger } from './support/stranger.js'

let service: Service
let azure: Stranger
let proton: Stranger
beforeAll(async () => {
  const two = { partitionCount: 2 }
  service = await startService({
    amqp: two,
    'web-socket': two,
    ours: two,
    annotated: two,
    positions: two,
    stamped: two,
  })
  azure = new Stranger('azure_client')
  proton = new Stranger('proton_client')
})
afterAll(async () => {
  await Promise.all([azure[Symbol.asyncDispose](), proton[Symbol.asyncDispose]()])
  await service[Symbol.asyncDispose]()
})

const hex = (text: string) => Buffer.from(text).toString('hex')
const uuid = '01234567-89ab-cdef-0123-456789abcdef'
const when = 1_767_323_045_000
// Whole numbers as this SDK sends them: an int of 32 bits, and no other.
const properties = {
  text: ['str', 'é😀'],
  bytes: ['bytes', '00ff'],
  small: ['int', '7'],
  negative: ['int', '-5'],
  fraction: ['float', 1.5],
  yes: ['bool', true],
  nothing: ['None', null],
  uuid: ['uuid', uuid],
  when: ['datetime', when],
}

describe.each(['amqp', 'web-socket'])('the official Python producer, over %s', (name) => {
  const connection = () => (name === 'amqp' ? service.azure(name) : service.azureOverWebSocket(name))

  test('sends a batch with every kind of property; each reader sees the same', async () => {
    const events = Array.from({ length: 60 }, (_, i) => ({
      body: ['str', `event ${i}`],
      content_type: 'text/plain',
      message_id: `id-${i}`,
      correlation_id: 'c',
      properties,
    }))
    const { limit } = await azure.call<{ limit: number }>('send', {
      ...connection(),
      events,
      target: { partition_key: 'device-42' },
    })
    expect(limit).toBe(1024 * 1024)
    const stored = service.hub.events(name)
    expect(stored.map(({ body }) => body.toString())).toEqual(events.map((_, i) => `event ${i}`))
    expect(new Set(stored.map(({ partitionKey }) => partitionKey))).toEqual(new Set(['device-42']))
    const partitionId = stored[0]?.partitionId ?? ''

    const python = await readWithPython(azure, connection(), events.length)
    const javaScript = await readWithJavaScript(service, name, events.length)
    const read = await readWithProton(proton, service, name, events.length, partitionId)
    for (let i = 0; i < events.length; i++) {
      expect(python[i]).toMatchObject({
        partition: partitionId,
        body: ['bytes', hex(`event ${i}`)],
        partition_key: 'device-42',
        content_type: 'text/plain',
        properties: { small: ['int', '7'], when: ['int', String(when)], uuid: ['uuid', uuid], nothing: ['None', null] },
      })
      expect(read[i]).toMatchObject({
        body: ['binary', hex(`event ${i}`)],
        content_type: 'text/plain',
        id: ['string', `id-${i}`],
        properties: {
          text: ['string', 'é😀'],
          bytes: ['binary', '00ff'],
          small: ['int', '7'],
          negative: ['int', '-5'],
          fraction: ['double', 1.5],
          yes: ['boolean', true],
          nothing: ['null', null],
          uuid: ['uuid', uuid],
          when: ['timestamp', String(when)],
        },
      })
      expect(javaScript[i]).toMatchObject({
        partitionKey: 'device-42',
        messageId: `id-${i}`,
        // Its AMQP library reads this form of true as 1.
        properties: { yes: 1, text: 'é😀', small: 7, fraction: 1.5, nothing: null, when },
      })
      expect(String(javaScript[i]?.body)).toBe(`event ${i}`)
    }
  })

  test('and its consumer agrees with the hub about properties and offsets', async () => {
    const told = await azure.call<{ hub: object; partition: object }>('properties', connection())
    const stored = service.hub.events(name, '0')
    expect(told).toMatchObject({
      hub: { eventhub_name: name, partition_ids: ['0', '1'] },
      partition: { id: '0', last_enqueued_sequence_number: stored.length - 1, is_empty: stored.length === 0 },
    })
  })
})

test('what Sluice sends in each of its ways is what the Python client and Proton read, in order', async () => {
  const { hub } = service
  const connectionString = hub.connectionStringFor('ours')
  const event = (body: string) => ({
    body,
    contentType: 'text/plain',
    messageId: body,
    correlationId: 'c',
    properties: { text: 'é', number: 7, yes: true, when: new Date(when) },
  })
  const target = { partitionId: '1' }
  await using direct = EventHubProducerClient.fromConnectionString(connectionString)
  await direct.sendEvent(event('direct'), target)
  await direct.sendBatch([event('array 0'), event('array 1')], target)
  const invocation = direct.beginInvocation()
  for (let i = 0; i < 200; i++) void invocation.sendEvent(event(`invocation ${i}`), target)
  expect(await invocation.end()).toMatchObject({ accepted: 200 })
  const problems: unknown[] = []
  const overTls = hub.connectionStringFor('ours', { transport: 'amqps' }).replace(/127\.0\.0\.1:\d+/, 'localhost')
  await using buffered = EventHubProducerClient.fromConnectionString(overTls, {
    bufferedMode: true,
    transportType: 'amqpOverWebSocket',
    customEndpointAddress: `localhost:${hub.httpsPort}`,
    tls: { ca: service.ca },
    onSuccess: () => {},
    onError: (_events, _partition, error) => problems.push(error),
  })
  for (let i = 0; i < 200; i++) await buffered.sendEvent(event(`buffered ${i}`), target)
  await buffered.flush()
  expect(problems).toEqual([])

  const bodies = service.hub.events('ours').map(({ body }) => body.toString())
  expect(bodies).toHaveLength(403)
  const python = await readWithPython(azure, service.azure('ours'), bodies.length)
  const read = await readWithProton(proton, service, 'ours', bodies.length, '1')
  for (const [i, body] of bodies.entries()) {
    expect(python[i]).toMatchObject({
      partition: '1',
      body: ['bytes', hex(body)],
      body_type: 'data',
      content_type: 'text/plain',
      message_id: ['str', body],
      properties: { text: ['bytes', hex('é')], number: ['int', '7'], yes: ['bool', true], when: ['int', String(when)] },
    })
    expect(read[i]).toMatchObject({
      body: ['binary', hex(body)],
      inferred: true,
      id: ['string', body],
      content_type: 'text/plain',
      properties: {
        text: ['string', 'é'],
        yes: ['boolean', true],
        when: ['timestamp', String(when)],
      },
    })
  }
})

test('annotated messages of the Python client, with each kind of body, arrive as they were', async () => {
  const header = { durable: true, priority: 9, time_to_live: 60_000 }
  const amqp = { subject: 's', reply_to: 'r', group_id: 'g', group_sequence: 5 }
  const annotated = (body_type: string) => ({
    body_type,
    header,
    properties: amqp,
    annotations: { 'x-mine': ['str', 'yes'], 'x-number': ['int', '5'] },
  })
  const events = [
    { body: ['list', [['bytes', '00ff']]], annotated: annotated('data_body'), properties: { k: ['str', 'v'] } },
    {
      body: [
        'dict',
        [
          [
            ['str', 'a'],
            ['int', '1'],
          ],
        ],
      ],
      annotated: annotated('value_body'),
      properties,
    },
    {
      body: [
        'list',
        [
          [
            'list',
            [
              ['int', '1'],
              ['str', 'two'],
            ],
          ],
        ],
      ],
      annotated: annotated('sequence_body'),
    },
  ]
  await azure.call('send', { ...service.azure('annotated'), events, target: { partition_id: '0' } })
  const read = await readWithProton(proton, service, 'annotated', 3)
  expect(read.map(({ body }) => body)).toEqual([
    ['binary', '00ff'],
    [
      'map',
      [
        [
          ['string', 'a'],
          ['int', '1'],
        ],
      ],
    ],
    [
      'list',
      [
        ['int', '1'],
        ['string', 'two'],
      ],
    ],
  ])
  const javaScript = await readWithJavaScript(service, 'annotated', 3)
  expect(javaScript.map((event) => event.getRawAmqpMessage().bodyType)).toEqual(['data', 'value', 'sequence'])
  for (const [i, message] of read.entries()) {
    expect(message).toMatchObject({
      durable: true,
      priority: 9,
      ttl: 60,
      subject: 's',
      reply_to: 'r',
      group_id: 'g',
      group_sequence: 5,
      annotations: { 'x-mine': ['string', 'yes'], 'x-number': ['int', '5'] },
    })
    expect(javaScript[i]?.getRawAmqpMessage()).toMatchObject({
      messageAnnotations: { 'x-mine': 'yes' },
      properties: { subject: 's', replyTo: 'r', groupId: 'g', groupSequence: 5 },
    })
  }
})

test('the Python consumer starts where it says: at a sequence number, after it, at a time, or at the end', async () => {
  await using client = EventHubProducerClient.fromConnectionString(service.hub.connectionStringFor('positions'))
  for (let i = 0; i < 5; i++) await client.sendEvent({ body: String(i) }, { partitionId: '0' })
  const [, , third] = service.hub.events('positions', '0')
  const from = async (position: unknown, count: number, inclusive = false) => {
    const argument = { ...service.azure('positions'), partition: '0', position, count, inclusive }
    const events = await azure.call<AzureEvent[]>('receive', argument)
    return events.map(({ body }) => Buffer.from(String(body[1]), 'hex').toString())
  }
  expect(await from('-1', 5)).toEqual(['0', '1', '2', '3', '4'])
  expect(await from(['int', '2'], 2)).toEqual(['3', '4'])
  expect(await from(['int', '2'], 3, true)).toEqual(['2', '3', '4'])
  expect(await from(third?.offset, 2)).toEqual(['3', '4'])
  expect(await from(['datetime', (third?.enqueuedTime.getTime() ?? 0) - 60_000], 5)).toHaveLength(5)
  const atTheEnd = from('@latest', 1)
  // Whatever is sent before it has attached it does not see; more often, and it would wait for its batch to fill up.
  const sending = setInterval(() => void client.sendEvent({ body: 'new' }, { partitionId: '0' }).catch(() => {}), 700)
  expect((await atTheEnd)[0]).toBe('new')
  clearInterval(sending)
})

test('the numbers of an idempotent producer are those of the types that the service asks for', async () => {
  await using client = EventHubProducerClient.fromConnectionString(service.hub.connectionStringFor('stamped'), {
    enableIdempotentRetries: true,
  })
  await client.sendBatch([{ body: '1' }, { body: '2' }], { partitionId: '0' })
  service.hub.faults.dropAcknowledgements(1, { eventHubName: 'stamped' })
  const sent = client.sendEvent({ body: '3' }, { partitionId: '0' })
  await expect.poll(() => service.hub.events('stamped').length).toBe(3)
  service.hub.faults.destroyConnections()
  await sent
  await client.sendEvent({ body: '4' }, { partitionId: '0' })
  const read = await readWithProton(proton, service, 'stamped', 4)
  expect(read.map(({ body }) => body[1])).toEqual(['1', '2', '3', '4'].map(hex))
  const ids = new Set(read.map(({ annotations }) => annotations['com.microsoft:producer-id']?.join(' ')))
  expect([...ids]).toEqual([expect.stringMatching(/^long \d+$/)])
  expect(read.map(({ annotations }) => annotations['com.microsoft:producer-epoch'])).toEqual(
    Array.from({ length: 4 }, () => ['short', '0']),
  )
  expect(read.map(({ annotations }) => annotations['com.microsoft:producer-sequence-number'])).toEqual(
    ['1', '2', '3', '4'].map((number) => ['int', number]),
  )
  const python = await readWithPython(azure, service.azure('stamped'), 4)
  expect(python.map(({ annotations }) => annotations['com.microsoft:producer-sequence-number'])).toEqual(
    ['1', '2', '3', '4'].map((number) => ['int', number]),
  )
})
