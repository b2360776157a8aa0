import { CloudEvent } from 'cloudevents'
import { expect, test } from 'vitest'
import { eventData } from '../../../adapters/azure-functions/index.js'
import { toOutgoingEvents } from '../../../adapters/azure-functions/values.js'
import { bodyToBytes } from '../../../core/event-data.js'

const event = { specversion: '1.0', id: 'e-1', source: '/orders', type: 'order.created', data: { id: 1 } }
const json = (body: unknown) => JSON.parse(new TextDecoder().decode(bodyToBytes(body))) as unknown

test('a CloudEvent is sent whole, as the host’s own binding would, and said to be one', () => {
  const [sent] = toOutgoingEvents(event)
  expect(sent).toMatchObject({
    event: { contentType: 'application/cloudevents+json; charset=utf-8', messageId: 'e-1' },
    options: {},
  })
  expect(json(sent?.event.body)).toEqual(event)
})

test('its partitioning extension is its key, and wins over the output’s', () => {
  const events = toOutgoingEvents([{ ...event, partitionkey: 'own' }, event, { ...event, partitionkey: '' }], {
    partitionKey: 'shared',
  })
  expect(events.map(({ options }) => options.partitionKey)).toEqual(['own', 'shared', 'shared'])
})

test('an event of the CloudEvents SDK is one, with its bytes as the JSON format has them', () => {
  const made = new CloudEvent({ ...event, data: Uint8Array.of(0, 255), datacontenttype: 'application/octet-stream' })
  const [sent] = toOutgoingEvents(made)
  expect(sent?.event).toMatchObject({ messageId: 'e-1' })
  expect(json(sent?.event.body)).toMatchObject({ id: 'e-1', source: '/orders', data_base64: 'AP8=' })
})

test.each([
  ['a view', Buffer.from([9, 0, 255, 9]).subarray(1, 3)],
  ['a buffer', Uint8Array.of(0, 255).buffer],
])('bytes of a plain CloudEvent, as %s, do not become an object of numbers', (_, data) => {
  const [sent] = toOutgoingEvents({ ...event, data })
  const { data: __, ...attributes } = event
  expect(json(sent?.event.body)).toEqual({ ...attributes, data_base64: 'AP8=' })
})

test.each([
  ['another version', { ...event, specversion: '0.3' }],
  ['no id', { ...event, id: '' }],
  ['no source', { ...event, source: undefined }],
  ['a type that is no text', { ...event, type: 7 }],
  ['Event Grid’s own schema', { id: '1', topic: 't', subject: 's', eventType: 'x', data: {}, dataVersion: '1' }],
])('with %s it is plain JSON', (_, value) => {
  expect(toOutgoingEvents(value)).toEqual([{ event: { body: value }, options: {} }])
})

test('in eventData it is what eventData says', () => {
  expect(toOutgoingEvents(eventData({ body: event, contentType: 'application/json' }))).toMatchObject([
    { event: { body: event, contentType: 'application/json' } },
  ])
})
