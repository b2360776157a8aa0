import { expect, test } from 'vitest'
import { eventData, toOutgoingEvents } from '../../../adapters/azure-functions/values.js'

const bodies = (value: unknown) => toOutgoingEvents(value).map(({ event }) => event.body)

test.each([
  ['a string', 'text'],
  ['an object', { id: 1, body: 'a field that looks like an event' }],
  ['a number', 42],
  ['false', false],
  ['an empty string', ''],
  ['bytes', Uint8Array.of(0, 255)],
  ['a Buffer', Buffer.from([0, 255])],
])('%s is one event with that body', (_, value) => {
  expect(toOutgoingEvents(value)).toEqual([{ event: { body: value }, options: {} }])
})

test('an array is one event per element, and bytes in it stay the same object', () => {
  const bytes = Buffer.from([0xff, 0xfe, 0x00])
  const events = toOutgoingEvents(['a', { b: 1 }, bytes, ['nested']])
  expect(events.map(({ event }) => event.body)).toEqual(['a', { b: 1 }, bytes, ['nested']])
  expect(events[2]?.event.body).toBe(bytes)
})

test('undefined and null are no event, also as elements of an array', () => {
  expect(bodies(undefined)).toEqual([])
  expect(bodies(null)).toEqual([])
  expect(bodies([])).toEqual([])
  expect(bodies(['a', undefined, null, 'b'])).toEqual(['a', 'b'])
})

test('eventData keeps every field of the event and takes the routing out of it', () => {
  const event = { body: { id: 7 }, contentType: 'application/json', messageId: 'm-1', properties: { kind: 'new' } }
  const [sent] = toOutgoingEvents(eventData({ ...event, partitionKey: 'customer-7' }))
  expect(sent).toStrictEqual({ event, options: { partitionId: undefined, partitionKey: 'customer-7' } })
  expect(Object.getOwnPropertySymbols(sent?.event)).toEqual([])
})

test('a plain object is JSON even where it looks like an event', () => {
  const lookalike = { body: 'x', partitionKey: 'k' }
  expect(toOutgoingEvents(lookalike)).toEqual([{ event: { body: lookalike }, options: {} }])
})

test('the key of the output is for events without key and partition of their own', () => {
  const events = [
    eventData({ body: 1 }),
    eventData({ body: 2, partitionKey: 'own' }),
    eventData({ body: 3, partitionId: '2' }),
    4,
  ]
  expect(toOutgoingEvents(events, { partitionKey: 'shared' }).map(({ options }) => options)).toEqual([
    { partitionKey: 'shared' },
    { partitionKey: 'own' },
    { partitionId: '2' },
    { partitionKey: 'shared' },
  ])
})

test('a copy of an event is still an event', () => {
  const copy = { ...eventData({ body: 'x' }), partitionKey: 'later' }
  expect(toOutgoingEvents(copy)).toMatchObject([{ event: { body: 'x' }, options: { partitionKey: 'later' } }])
})

test('a forgotten await is an error and not an event "{}"', () => {
  expect(() => toOutgoingEvents(Promise.resolve('x'))).toThrow(/Promise\. Await it first/)
  expect(() => toOutgoingEvents(['a', Promise.resolve('x')])).toThrow(/Promise/)
})

test.each([
  ['a function', () => 1],
  ['a symbol', Symbol('x')],
  ['a bigint', 1n],
])('%s is refused by its kind', (_, value) => {
  expect(() => toOutgoingEvents(value)).toThrow(new RegExp(`from a ${typeof value}`))
})

test('eventData refuses an event without a body, and fields that would be dropped', () => {
  expect(() => eventData({ partitionKey: 'k' } as never)).toThrow(/needs a body/)
  expect(() => eventData({ body: 1, partitionkey: 'k' } as never)).toThrow(/"partitionkey"/)
  expect(() => eventData({ body: 1, partitionId: 3 } as never)).toThrow(/partitionId must be a string/)
})
