import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import { compoundTypes, rareTypes, simpleTypes } from './support/every-type.js'
import { type Neutral, readWithJavaScript, readWithProton, readWithPython } from './support/readers.js'
import { type Service, startService } from './support/service.js'
import { Stranger } from './support/stranger.js'

let service: Service
let azure: Stranger
let proton: Stranger
beforeAll(async () => {
  const one = { partitionCount: 1 }
  service = await startService({ ours: one, theirs: one, bodies: one, everything: one, 'our-bodies': one })
  azure = new Stranger('azure_client')
  proton = new Stranger('proton_client')
})
afterAll(async () => {
  await Promise.all([azure[Symbol.asyncDispose](), proton[Symbol.asyncDispose]()])
  await service[Symbol.asyncDispose]()
})

const neutralProperties = Object.fromEntries(simpleTypes.map(({ name, neutral }) => [name, neutral]))
const ourProperties = Object.fromEntries(simpleTypes.map(({ name, ours }) => [name, ours]))
const pythonProperties = Object.fromEntries(simpleTypes.map(({ name, python }) => [name, python]))
const javaScriptProperties = Object.fromEntries(simpleTypes.map(({ name, javaScript }) => [name, javaScript]))

describe('every primitive type as a property', () => {
  test('sent by Sluice is the same type to Proton, and the same value to both official clients', async () => {
    const { hub } = service
    await using client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('ours'))
    await client.sendEvent({
      body: 'plain',
      bodyType: 'data',
      applicationProperties: ourProperties,
      messageAnnotations: Object.fromEntries(simpleTypes.map(({ name, ours }) => [`x-${name}`, ours])),
    })
    // The plain form of an event takes the same values.
    await client.sendEvent({ body: 'plain', properties: ourProperties as never })
    const [first, second] = await readWithProton(proton, service, 'ours', 2)
    expect(first?.properties).toEqual(neutralProperties)
    expect(second?.properties).toEqual(neutralProperties)
    for (const { name, neutral } of simpleTypes) expect(first?.annotations[`x-${name}`], name).toEqual(neutral)
    for (const event of await readWithPython(azure, service.azure('ours'), 2))
      expect(event.properties).toEqual(pythonProperties)
    for (const event of await readWithJavaScript(service, 'ours', 2))
      expect(event.properties).toEqual(javaScriptProperties)
  })

  test('sent by Proton reaches Proton byte for byte, and the official clients by value', async () => {
    const message = {
      body: ['binary', '706c61696e'],
      inferred: true,
      properties: neutralProperties,
      annotations: Object.fromEntries(simpleTypes.map(({ name, neutral }) => [`x-${name}`, neutral])),
    }
    const { answers } = await proton.call<{ answers: { state: string; encoded: string }[] }>('send', {
      ...service.proton,
      address: 'theirs/Partitions/0',
      messages: [message],
    })
    expect(answers.map(({ state }) => state)).toEqual(['ACCEPTED'])
    expect(service.hub.events('theirs').map(({ encoded }) => encoded.toString('hex'))).toEqual([answers[0]?.encoded])
    const [read] = await readWithProton(proton, service, 'theirs', 1)
    expect(read).toMatchObject({ body: message.body, inferred: true, properties: neutralProperties })
    expect(read?.annotations).toMatchObject(message.annotations)
    const [python] = await readWithPython(azure, service.azure('theirs'), 1)
    expect(python).toMatchObject({ body: ['bytes', '706c61696e'], properties: pythonProperties })
    const [javaScript] = await readWithJavaScript(service, 'theirs', 1)
    expect(javaScript?.properties).toEqual(javaScriptProperties)
  })
})

test('what only Proton can write passes through the hub unharmed: chars, decimals, arrays, described values', async () => {
  const values = [...rareTypes, ...compoundTypes]
  const messages = values.map((value) => ({
    body: value,
    annotations: { 'x-value': value },
    ...(rareTypes.includes(value) ? { properties: { value } } : {}),
  }))
  const { answers } = await proton.call<{ answers: { state: string; encoded: string }[] }>('send', {
    ...service.proton,
    address: 'everything/Partitions/0',
    messages,
  })
  expect(answers.map(({ state }) => state)).toEqual(values.map(() => 'ACCEPTED'))
  expect(service.hub.events('everything').map(({ encoded }) => encoded.toString('hex'))).toEqual(
    answers.map(({ encoded }) => encoded),
  )
  const read = await readWithProton(proton, service, 'everything', values.length)
  for (const [i, value] of values.entries()) {
    expect(read[i]?.body, String(value[0])).toEqual(value)
    expect(read[i]?.annotations['x-value']).toEqual(value)
    if (rareTypes.includes(value)) expect(read[i]?.properties).toEqual({ value })
  }
})

const bodies: readonly { kind: 'data' | 'sequence' | 'value'; ours: unknown; neutral: Neutral; python: Neutral }[] = [
  { kind: 'data', ours: Buffer.from('00ff', 'hex'), neutral: ['binary', '00ff'], python: ['bytes', '00ff'] },
  { kind: 'value', ours: 'text', neutral: ['string', 'text'], python: ['bytes', Buffer.from('text').toString('hex')] },
  // JavaScript has one kind of number: what is not negative travels unsigned.
  { kind: 'value', ours: 12, neutral: ['uint', '12'], python: ['int', '12'] },
  { kind: 'value', ours: -12, neutral: ['int', '-12'], python: ['int', '-12'] },
  { kind: 'value', ours: null, neutral: ['null', null], python: ['None', null] },
  {
    kind: 'value',
    ours: { a: [1, true] },
    neutral: [
      'map',
      [
        [
          ['string', 'a'],
          [
            'list',
            [
              ['uint', '1'],
              ['boolean', true],
            ],
          ],
        ],
      ],
    ],
    python: [
      'dict',
      [
        [
          ['bytes', '61'],
          [
            'list',
            [
              ['int', '1'],
              ['bool', true],
            ],
          ],
        ],
      ],
    ],
  },
  {
    kind: 'sequence',
    ours: [[1, 'two']],
    neutral: [
      'list',
      [
        ['uint', '1'],
        ['string', 'two'],
      ],
    ],
    python: [
      'list',
      [
        [
          'list',
          [
            ['int', '1'],
            ['bytes', Buffer.from('two').toString('hex')],
          ],
        ],
      ],
    ],
  },
]

test('bodies of every kind that Sluice sends are what Proton and the Python client read', async () => {
  await using client = EventHubProducerClient.fromConnectionString(service.hub.connectionStringFor('our-bodies'))
  for (const { kind, ours } of bodies) await client.sendEvent({ body: ours, bodyType: kind })
  const read = await readWithProton(proton, service, 'our-bodies', bodies.length)
  const python = await readWithPython(azure, service.azure('our-bodies'), bodies.length)
  for (const [i, { kind, neutral, python: expected }] of bodies.entries()) {
    expect(read[i]).toMatchObject({ body: neutral, inferred: kind !== 'value' })
    expect(python[i]).toMatchObject({ body: expected, body_type: kind })
  }
})

test('every field of header and properties survives, from Sluice to Proton and from Proton to the Python client', async () => {
  const { hub } = service
  await using client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('bodies'))
  await client.sendEvent({
    body: 'b',
    header: { durable: true, priority: 9, timeToLive: 60_000, firstAcquirer: true, deliveryCount: 3 },
    properties: {
      messageId: 'm',
      userId: 'u',
      to: 't',
      subject: 's',
      replyTo: 'r',
      correlationId: 17,
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      absoluteExpiryTime: 1_800_000_000_000,
      creationTime: 1_700_000_000_000,
      groupId: 'g',
      groupSequence: 5,
      replyToGroupId: 'rg',
    },
    deliveryAnnotations: { 'x-hop': 'first' },
  })
  const fields = {
    durable: true,
    priority: 9,
    ttl: 60,
    first_acquirer: true,
    delivery_count: 3,
    user_id: 'u',
    address: 't',
    subject: 's',
    reply_to: 'r',
    content_type: 'text/plain',
    content_encoding: 'gzip',
    group_id: 'g',
    group_sequence: 5,
    reply_to_group_id: 'rg',
    creation_time: 1_700_000_000,
    expiry_time: 1_800_000_000,
  }
  // Proton's own name for it is long, in both directions; on the wire a message id is a ulong.
  const message = { ...fields, id: ['string', 'm'], correlation_id: ['long', '17'] }
  const [read] = await readWithProton(proton, service, 'bodies', 1)
  expect(read).toMatchObject({ ...message, instructions: { 'x-hop': ['string', 'first'] } })

  await proton.call('send', {
    ...service.proton,
    address: 'bodies/Partitions/0',
    messages: [{ ...message, body: ['binary', '62'], inferred: true }],
  })
  const [, again] = await readWithProton(proton, service, 'bodies', 2)
  expect(again).toMatchObject(message)
  const [ours, theirs] = await readWithPython(azure, service.azure('bodies'), 2)
  for (const event of [ours, theirs]) {
    expect(event).toMatchObject({
      body: ['bytes', '62'],
      content_type: 'text/plain',
      message_id: ['str', 'm'],
      correlation_id: ['int', '17'],
      header: { durable: true, priority: 9, time_to_live: 60_000, first_acquirer: true, delivery_count: 3 },
      amqp_properties: {
        user_id: ['bytes', '75'],
        subject: ['bytes', '73'],
        reply_to: ['bytes', '72'],
        group_sequence: ['int', '5'],
        creation_time: ['int', '1700000000000'],
        absolute_expiry_time: ['int', '1800000000000'],
      },
    })
  }
})
