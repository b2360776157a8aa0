import { describe, expect, test } from 'vitest'
import { bodyText } from './fake-client.js'
import { batched, FrontDoor, statuses, structured } from './front-door.js'

const cloudEvent = {
  specversion: '1.0',
  id: 'A234',
  source: '/mycontext',
  type: 'com.example.someevent',
  time: '2018-04-05T17:31:00Z',
  comexampleothervalue: 5,
  flag: true,
  datacontenttype: 'application/json',
  data: { appinfo: 'abc' },
}
const ceHeaders = { 'ce-specversion': '1.0', 'ce-id': 'B1', 'ce-source': '/ctx', 'ce-type': 'com.example.b' }

describe('CloudEvents', () => {
  test('a structured event leaves in AMQP binary mode', async () => {
    const door = new FrontDoor()
    const answer = await door.post(JSON.stringify(cloudEvent), structured)
    expect(answer.body.results).toEqual([{ index: 0, id: 'A234', status: 'accepted', retryable: false }])
    expect(door.client.sent[0]?.event).toEqual({
      body: '{"appinfo":"abc"}',
      contentType: 'application/json',
      messageId: 'A234',
      properties: {
        'cloudEvents:specversion': '1.0',
        'cloudEvents:id': 'A234',
        'cloudEvents:source': '/mycontext',
        'cloudEvents:type': 'com.example.someevent',
        'cloudEvents:time': '2018-04-05T17:31:00Z',
        'cloudEvents:comexampleothervalue': 5,
        'cloudEvents:flag': true,
      },
    })
  })

  test('the prefix of the properties can be cloudEvents_', async () => {
    const door = new FrontDoor({ cloudEventsPropertyPrefix: 'cloudEvents_' })
    await door.post(JSON.stringify({ ...cloudEvent, time: null, comexampleothervalue: null, flag: null }), structured)
    expect(Object.keys(door.client.sent[0]?.event.properties ?? {})).toEqual([
      'cloudEvents_specversion',
      'cloudEvents_id',
      'cloudEvents_source',
      'cloudEvents_type',
    ])
  })

  test('in structured mode the whole event leaves as JSON in the body, whichever way it came', async () => {
    const door = new FrontDoor({ cloudEventsMode: 'structured' })
    const large = '{"n": 12345678901234567890}'
    const base = '"specversion":"1.0","source":"/s","type":"t"'
    const batch = `[{${base},"id":"1","data":${large}},{${base},"id":"2","datacontenttype":"text/plain","data":"é"}]`
    await door.post(batch, batched)
    await door.post(large, { ...ceHeaders, 'content-type': 'application/json' })
    await door.post('{"torn', { ...ceHeaders, 'content-type': 'application/json' })
    await door.post('"Ã©"', { ...ceHeaders, 'content-type': 'application/json; charset=latin1' })
    await door.post(new Uint8Array(20_000).fill(255), { ...ceHeaders, 'content-type': 'image/png' })
    await door.post(null, ceHeaders)
    const own = '"id":"B1","source":"/ctx","specversion":"1.0","type":"com.example.b"'
    expect(door.client.bodies).toEqual([
      `{${base},"id":"1","data":${large}}`,
      `{${base},"id":"2","datacontenttype":"text/plain","data":"é"}`,
      `{${own},"datacontenttype":"application/json","data":${large}}`,
      `{${own},"datacontenttype":"application/json","data_base64":"${btoa('{"torn')}"}`,
      `{${own},"datacontenttype":"application/json; charset=latin1","data_base64":"${Buffer.from('"Ã©"').toString('base64')}"}`,
      `{${own},"datacontenttype":"image/png","data_base64":"${Buffer.alloc(20_000, 255).toString('base64')}"}`,
      `{${own}}`,
    ])
    for (const { event } of door.client.sent) {
      expect(event.contentType).toBe('application/cloudevents+json; charset=utf-8')
      expect(event.properties).toBeUndefined()
    }
    expect(door.client.sent.map(({ event }) => event.messageId)).toEqual(['1', '2', 'B1', 'B1', 'B1', 'B1', 'B1'])
  })

  test('JSON data keeps its text, text data its characters, data_base64 its bytes', async () => {
    const door = new FrontDoor()
    const base = '"specversion":"1.0","source":"/s","type":"t"'
    const body = `[
      {${base},"id":"1","data" : {"n": 12345678901234567890} },
      {${base},"id":"2","data":"I'm just a string"},
      {${base},"id":"3","datacontenttype":"application/xml","data":"<much wow=\\"xml\\"/>é"},
      {${base},"id":"4","datacontenttype":"application/octet-stream","data_base64":"AAH/gA=="},
      {${base},"id":"5","data":null},
      {${base},"id":"6"}
    ]`
    const answer = await door.post(body, batched)
    expect(answer.status).toBe(200)
    expect(door.client.sent.map(({ event }) => [event.contentType, event.body])).toEqual([
      ['application/json', '{"n": 12345678901234567890}'],
      ['application/json', '"I\'m just a string"'],
      ['application/xml', '<much wow="xml"/>é'],
      ['application/octet-stream', new Uint8Array([0, 1, 255, 128])],
      ['application/json', 'null'],
      [undefined, new Uint8Array(0)],
    ])
  })

  test('in a batch each event is judged by itself', async () => {
    const door = new FrontDoor()
    const { id: _, ...withoutId } = cloudEvent
    const answer = await door.post(JSON.stringify([cloudEvent, withoutId, 7, { ...cloudEvent, source: '' }]), batched)
    expect(answer.status).toBe(207)
    expect(statuses(answer)).toEqual(['accepted', 'invalid', 'invalid', 'invalid'])
    expect(answer.body.results?.slice(1).map(({ id, message }) => [id, message])).toEqual([
      [undefined, 'The attribute id is required and must be a non-empty string.'],
      [undefined, 'A CloudEvent must be a JSON object.'],
      ['A234', 'The attribute source is required and must be a non-empty string.'],
    ])
  })

  test('a batch that is no array, and an empty one, are refused as a whole', async () => {
    expect((await new FrontDoor().post(JSON.stringify(cloudEvent), batched)).body.type).toMatch(/malformed-body$/)
    expect((await new FrontDoor().post('[]', batched)).body.type).toMatch(/no-events$/)
  })

  test('an event in binary mode: attributes from headers, data as it came', async () => {
    const door = new FrontDoor()
    const data = new Uint8Array([0xff, 0x00, 0x7b])
    const headers = {
      ...ceHeaders,
      'ce-subject': 'Euro%20%E2%82%AC%20%F0%9F%98%80',
      'ce-n': '5',
      'content-type': 'image/png',
    }
    const answer = await door.post(data, headers)
    expect(answer.status).toBe(200)
    expect(door.client.sent[0]?.event).toEqual({
      body: data,
      contentType: 'image/png',
      messageId: 'B1',
      properties: {
        'cloudEvents:specversion': '1.0',
        'cloudEvents:id': 'B1',
        'cloudEvents:source': '/ctx',
        'cloudEvents:type': 'com.example.b',
        'cloudEvents:subject': 'Euro € 😀',
        'cloudEvents:n': '5',
      },
    })
  })

  test('binary mode takes any type and charset, and an event without data', async () => {
    const door = new FrontDoor()
    await door.post('{"a":"\xe9"}', { ...ceHeaders, 'content-type': 'application/json; charset=iso-8859-1' })
    await door.post(null, ceHeaders)
    expect(door.client.sent.map(({ event }) => [event.contentType, bodyText(event)])).toEqual([
      ['application/json; charset=iso-8859-1', '{"a":"\xe9"}'],
      [undefined, ''],
    ])
  })

  test.each([
    ['a missing attribute', { 'ce-id': '1', 'ce-specversion': '1.0', 'ce-type': 't' }],
    ['another version', { ...ceHeaders, 'ce-specversion': '0.3' }],
    ['ce-datacontenttype', { ...ceHeaders, 'ce-datacontenttype': 'text/plain' }],
    ['a name with a hyphen', { ...ceHeaders, 'ce-my-ext': 'x' }],
    ['bytes that are not UTF-8', { ...ceHeaders, 'ce-subject': '%C0%A0' }],
    ['raw characters outside ASCII', { ...ceHeaders, 'ce-subject': 'caf\xe9' }],
    ['an encoded control character', { ...ceHeaders, 'ce-subject': 'a%00b' }],
  ])('binary mode refuses %s: 422, nothing sent', async (_, headers) => {
    const door = new FrontDoor()
    const answer = await door.post('x', { 'content-type': 'text/plain', ...headers })
    expect(answer.status).toBe(422)
    expect(statuses(answer)).toEqual(['invalid'])
    expect(door.client.sent).toEqual([])
  })

  test('the media type decides before the headers do', async () => {
    const door = new FrontDoor()
    const answer = await door.post(JSON.stringify(cloudEvent), { ...structured, ...ceHeaders })
    expect(answer.body.results?.[0]?.id).toBe('A234')
  })
})
