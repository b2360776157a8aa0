import { EventHubProducerClient as OfficialProducer } from '@azure/event-hubs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient, type EventInput } from '../../../core/index.js'
import type { ReceivedEvent } from '../../../infra/cli/tail/decode.js'
import { eventFromJson } from '../../../infra/cli/tail/event-from-json.js'
import { eventToJson } from '../../../infra/cli/tail/event-json.js'
import { parsePosition } from '../../../infra/cli/tail/position.js'
import { prettyEvent } from '../../../infra/cli/tail/pretty.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { simpleTypes } from '../../interop/support/every-type.js'
import { credential, readAll } from './reading.js'

let hub: LocalHub
beforeAll(async () => {
  hub = await startLocalHub({
    sharedAccessKeys: { [credential.name]: credential.key },
    eventHubs: { official: { partitionCount: 4 }, ours: { partitionCount: 1 } },
  })
})
afterAll(() => hub.close())

/** What is read of events that our own producer has sent just now. */
async function sentAndRead(...events: EventInput[]): Promise<ReceivedEvent[]> {
  await using client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('ours'))
  const from = String(hub.events('ours').length)
  await client.sendBatch(events, { partitionId: '0' })
  return readAll(hub, { from, place: { eventHubName: 'ours' } })
}

describe('an event as JSON', () => {
  test('is what the official producer sent: key, ids, properties and body', async () => {
    const producer = new OfficialProducer(hub.connectionStringFor('official'))
    const sent = Array.from({ length: 60 }, (_, at) => ({
      body: { number: at, text: `é日😀 ${at}` },
      contentType: 'application/json',
      messageId: `id-${at}`,
      correlationId: `correlation-${at % 3}`,
      properties: { number: at, text: `t${at}`, flag: at % 2 === 0, fraction: at + 0.5, none: null },
    }))
    for (const key of ['a', 'device-42', 'Привет']) {
      await producer.sendBatch(sent, { partitionKey: key })
    }
    void producer.close().catch(() => {})
    const events = await readAll(hub, { place: { eventHubName: 'official' } })
    expect(events).toHaveLength(180)
    const stored = new Map(
      hub.events('official').map((event) => [`${event.partitionId}/${event.sequenceNumber}`, event]),
    )
    for (const key of ['a', 'device-42', 'Привет']) {
      const ofKey = events.filter(({ partitionKey }) => partitionKey === key)
      expect(ofKey).toHaveLength(60)
      for (const [at, event] of ofKey.entries()) {
        const { partitionId, sequenceNumber } = event
        const known = stored.get(`${partitionId}/${sequenceNumber}`)
        expect(eventToJson(event)).toEqual({
          ...sent[at],
          partitionId,
          sequenceNumber,
          offset: known?.offset,
          enqueuedTime: known?.enqueuedTime.toISOString(),
          partitionKey: key,
        })
      }
    }
  })

  test.each([
    ['text', 'plain text', { body: 'plain text' }],
    ['an object', { a: [1, null, 'é'] }, { body: { a: [1, null, 'é'] } }],
    ['a number', 42, { body: 42 }],
    ['null', null, { body: null }],
    ['JSON with spaces, kept as text', '{ "a": 1 }', { body: '{ "a": 1 }' }],
    ['a JSON string, kept as text', '"quoted"', { body: '"quoted"' }],
    ['a number that JavaScript cannot hold', '12345678901234567890', { body: '12345678901234567890' }],
    ['minus zero', '-0', { body: '-0' }],
    ['two of the same name', '{"a":1,"a":2}', { body: '{"a":1,"a":2}' }],
    ['nothing', '', { body: '' }],
    ['bytes', new Uint8Array([0, 255, 128]), { bodyBase64: 'AP+A' }],
    ['bytes that end in the middle of a character', new Uint8Array([0x41, 0xc3]), { bodyBase64: 'QcM=' }],
  ])('has a body that is %s', async (_name, body, expected) => {
    const [event] = await sentAndRead({ body })
    const json = eventToJson(event!)
    expect(json).toMatchObject(expected)
    // Sent again as the documentation says, it is the same body.
    const again = 'bodyBase64' in json ? Buffer.from(String(json.bodyBase64), 'base64') : json.body
    const [copy] = await sentAndRead({ body: again })
    const [first, second] = hub.events('ours').slice(-2)
    expect(copy && second?.body).toEqual(first?.body)
  })

  test('has every type of property, with nothing mixed up', async () => {
    const properties = Object.fromEntries(simpleTypes.map(({ name, ours }) => [name, ours]))
    const [event] = await sentAndRead({ body: 'x', properties: properties as never })
    expect(eventToJson(event!).properties).toEqual({
      null: null,
      true: true,
      false: false,
      'ubyte 255': 255,
      'ushort 65535': 65535,
      'uint 0': 0,
      'uint 7': 7,
      'uint 4294967295': 4294967295,
      'ulong 0': 0,
      'ulong 200': 200,
      'ulong 18446744073709551615': { $bigint: '18446744073709551615' },
      'byte -128': -128,
      'short -32768': -32768,
      'int -1': -1,
      'int -2147483648': -2147483648,
      'long -1': -1,
      'long 1099511627776': 1099511627776,
      'long -9223372036854775808': { $bigint: '-9223372036854775808' },
      float: 1.5,
      double: 1e300,
      timestamp: { $date: '2026-01-02T03:04:05.678Z' },
      uuid: '01234567-89ab-cdef-0123-456789abcdef',
      string: 'é日😀',
      'long string': 'ä'.repeat(400),
      symbol: 'a-symbol',
      binary: { $base64: 'AP+A' },
    })
  })

  test('has the sections that few events have, and other kinds of body', async () => {
    const [event, value, sequence, parts] = await sentAndRead(
      {
        body: 'annotated',
        bodyType: 'data',
        header: { priority: 7 },
        properties: { messageId: 'id', subject: 's', replyTo: 'r', creationTime: 1_767_323_045_678, userId: 'me' },
        applicationProperties: { own: 'yes' },
        messageAnnotations: { 'x-mine': [1, { deep: true }] },
        footer: { end: 'f' },
      },
      { body: { $date: 'mine', list: [Number.NaN] }, bodyType: 'value' },
      { body: [[1, 'two'], []], bodyType: 'sequence' },
      { body: [Buffer.from('one'), Buffer.from('two!')], bodyType: 'data' },
    )
    expect(eventToJson(event!)).toMatchObject({
      body: 'annotated',
      messageId: 'id',
      properties: { own: 'yes' },
      amqp: {
        header: { priority: 7 },
        properties: {
          subject: 's',
          replyTo: 'r',
          creationTime: { $date: '2026-01-02T03:04:05.678Z' },
          userId: { $base64: 'bWU=' },
        },
        messageAnnotations: { 'x-mine': [1, { deep: true }] },
        footer: { end: 'f' },
      },
    })
    expect(eventToJson(value!)).toMatchObject({
      body: { $object: { $date: 'mine', list: [{ $number: 'NaN' }] } },
      amqp: { bodyType: 'value' },
    })
    expect(eventToJson(sequence!)).toMatchObject({ body: [[1, 'two'], []], amqp: { bodyType: 'sequence' } })
    expect(eventToJson(parts!)).toMatchObject({ body: 'onetwo!', amqp: { dataSizes: [3, 4] } })
  })
})

describe('an event made again of its JSON', () => {
  const sections = (event: ReceivedEvent) => {
    const { sequenceNumber: _s, offset: _o, enqueuedTime: _t, partitionId: _p, ...rest } = event
    return rest
  }

  /** Through text, as in a file. */
  const again = (event: ReceivedEvent) => eventFromJson(JSON.parse(JSON.stringify(eventToJson(event))))

  test('is the same: bodies, properties of every type, and sections', async () => {
    const properties = Object.fromEntries(
      simpleTypes.filter(({ name }) => name !== 'uuid' && name !== 'symbol').map(({ name, ours }) => [name, ours]),
    )
    const originals = await sentAndRead(
      { body: 'text' },
      { body: { a: [1, null] } },
      { body: null },
      { body: new Uint8Array([0, 255]) },
      { body: 'x', contentType: 'text/plain', messageId: 'id', correlationId: 7, properties: properties as never },
      { body: [[1, 'two', { $date: 'mine' }], []], bodyType: 'sequence' },
      { body: { list: [Number.NaN, -0, 2n ** 60n], bytes: new Uint8Array([1]) }, bodyType: 'value' },
      { body: [Buffer.from('é'), Buffer.from('two')], bodyType: 'data', footer: { end: true } },
      {
        body: 'annotated',
        header: { priority: 7, timeToLive: 1000 },
        properties: { messageId: 'id', subject: 's', userId: 'me', creationTime: 1_767_323_045_678 },
        messageAnnotations: { 'x-mine': [1, { deep: true }] },
        deliveryAnnotations: { hop: 1 },
      },
    )
    const copies = await sentAndRead(...originals.map((event) => again(event).event))
    expect(copies.map(sections)).toEqual(originals.map(sections))
  })

  test('has its key', async () => {
    await using client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('ours'))
    await client.sendEvent({ body: 'keyed' }, { partitionKey: 'customer-7' })
    const event = (await readAll(hub, { place: { eventHubName: 'ours' } })).at(-1)!
    expect(again(event)).toEqual({ event: { body: 'keyed' }, partitionKey: 'customer-7' })
  })

  test.each([
    ['a text', 'secret', /must be an object/],
    ['no body', { partitionKey: 'secret' }, /neither body nor bodyBase64/],
    ['two bodies', { body: 'secret', bodyBase64: '' }, /both/],
    ['bytes that are none', { bodyBase64: 'secret!' }, /bodyBase64 must be base64/],
    ['a key that is a number', { body: 1, partitionKey: 5 }, /partitionKey must be a string/],
    ['a value that is unknown', { body: 1, properties: { a: { $secret: 1 } } }, /begins with \$/],
    ['a date that is none', { body: 1, properties: { a: { $date: 'secret' } } }, /begins with \$/],
    ['sizes that do not fit', { body: 'secret', amqp: { dataSizes: [1, 2] } }, /do not sum up/],
    ['another kind of body', { body: 'secret', amqp: { bodyType: 'poem' } }, /amqp.bodyType/],
  ])('%s is refused by name, and not shown', (_name, json, said) => {
    const making = () => eventFromJson(json)
    expect(making).toThrow(said)
    expect(making).not.toThrow(/secret/)
  })
})

describe('an event on a line', () => {
  const plain = { width: undefined, properties: false, colours: false }

  test('shows time, partition, sequence number, key and body', async () => {
    await using client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('ours'))
    await client.sendEvent({ body: { order: 1 } }, { partitionKey: 'customer-7' })
    const event = (await readAll(hub, { place: { eventHubName: 'ours' } })).at(-1)!
    const line = new RegExp(
      `^\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z {3}0 +${event.sequenceNumber} {2}customer-7 +\\{"order":1\\}\\n$`,
    )
    expect(prettyEvent(event, plain)).toMatch(line)
  })

  test('acts on no terminal, whatever is in it', async () => {
    const evil = 'a\u001b[2J\u001b]0;owned\u0007\r\nb\u009b31m\u202etxt.exe\u2066\0'
    const [event] = await sentAndRead({ body: evil, properties: { [evil]: evil } })
    const shown = prettyEvent(event!, { ...plain, properties: true })
    expect(shown.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/u)
    expect(shown.split('\n')).toHaveLength(3)
    expect(shown).toContain('a\\x1b[2J\\x1b]0;owned\\x07\\r\\nb\\x9b31m\\u202etxt.exe\\u2066\\x00')
  })

  test('shows bytes as such, and no more of a body than fits', async () => {
    const [bytes, long, wide] = await sentAndRead(
      { body: new Uint8Array(100).fill(255) },
      { body: 'x'.repeat(100_000) },
      { body: '😀'.repeat(1000) },
    )
    expect(prettyEvent(bytes!, plain)).toMatch(/\(100 bytes\) (?:ff ){24}…\n$/)
    const cut = prettyEvent(long!, { ...plain, width: 100 })
    expect(cut).toMatch(/x…\n$/)
    expect(cut).toHaveLength(101)
    expect(prettyEvent(wide!, { ...plain, width: 100 })).toMatch(/😀…\n$/u)
    expect(prettyEvent(wide!, { ...plain, width: 100 })).not.toContain('�')
    expect(prettyEvent(long!, plain).length).toBeLessThan(5000)
  })

  test('shows the properties beneath, when asked to', async () => {
    const [event] = await sentAndRead({
      body: 'x',
      messageId: 'id-1',
      properties: { when: new Date(0), n: 1, text: 't' },
    })
    const lines = prettyEvent(event!, { ...plain, properties: true })
      .split('\n')
      .slice(1, -1)
    expect(lines.map((line) => line.trim())).toEqual([
      'messageId: id-1',
      'when: {"$date":"1970-01-01T00:00:00.000Z"}',
      'n: 1',
      'text: t',
    ])
  })
})

describe('a position', () => {
  test.each([
    ['latest', { kind: 'latest' }],
    [' Earliest ', { kind: 'earliest' }],
    ['42', { kind: 'sequence-number', sequenceNumber: 42 }],
    ['offset:4711', { kind: 'offset', offset: '4711' }],
    ['offset:0:12:-1', { kind: 'offset', offset: '0:12:-1' }],
    ['2026-05-04T03:02:01Z', { kind: 'time', time: Date.UTC(2026, 4, 4, 3, 2, 1) }],
    ['2026-05-04 03:02:01+02:00', { kind: 'time', time: Date.UTC(2026, 4, 4, 1, 2, 1) }],
    ['2026-05-04', { kind: 'time', time: new Date(2026, 4, 4).getTime() }],
  ])('%s', (text, expected) => {
    expect(parsePosition(text)).toEqual(expected)
  })

  test.each([
    '',
    'yesterday',
    '-1',
    '1.5',
    "offset:' or 1=1 --",
    'offset:',
    '2026-13-40',
    '99999999999999999999',
    '\u001b',
  ])('%j is none, and the forms are named', (text) => {
    expect(() => parsePosition(text)).toThrow(/latest, earliest, a sequence number/)
  })
})
