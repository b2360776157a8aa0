import { describe, expect, test } from 'vitest'
import { bodyBytes, readFaults, readFreeze, readSend, readStream } from '../../../../infra/hub-page/requests.js'
import type { LocalHub } from '../../../../infra/local-hub/index.js'

const hub = { eventHubNames: ['events'], partitionIds: () => ['0', '1'] } as unknown as LocalHub
const send = { eventHubName: 'events', bodyKind: 'text', body: 'x', count: 1 }

describe('what the page may ask for', () => {
  test('a send with all that it may have; empty fields are as absent ones', () => {
    const whole = { ...send, contentType: 'a/b', partitionKey: 'k', properties: { a: 1, b: 'x', c: true } }
    expect(readSend({ ...whole, partitionId: '' }, hub)).toEqual(whole)
  })

  test.each([
    ['no object', [], 'JSON object'],
    ['another hub', { ...send, eventHubName: 'others' }, 'events'],
    ['another partition', { ...send, partitionId: '2' }, 'no partition 2'],
    ['an unknown kind', { ...send, bodyKind: 'xml' }, 'text, json, hex'],
    ['broken JSON', { ...send, bodyKind: 'json', body: '{' }, 'not valid JSON'],
    ['half a byte', { ...send, bodyKind: 'hex', body: 'ca f' }, 'pairs of digits'],
    ['no events', { ...send, count: 0 }, 'from 1 to 10000'],
    ['half an event', { ...send, count: 1.5 }, 'from 1 to 10000'],
    ['too much in all', { ...send, body: 'x'.repeat(10_000), count: 10_000 }, 'one send may have'],
    ['a property that is a list', { ...send, properties: { a: [] } }, 'a text, a number, true or false'],
    ['a property without a name', { ...send, properties: { '': 1 } }, 'a text, a number, true or false'],
    ['a very long key', { ...send, partitionKey: 'k'.repeat(2000) }, '1024'],
  ])('refuses %s, saying why', (_, request, message) => {
    expect(() => readSend(request, hub)).toThrow(message)
  })

  test('refuses rates, faults and freezes that are none', () => {
    for (const eventsPerSecond of [0, 5001, '20', Number.NaN]) {
      expect(() => readStream({ eventHubName: 'events', on: true, eventsPerSecond }, hub)).toThrow('from 1 to 5000')
    }
    expect(() => readFaults({})).toThrow('names none')
    expect(() => readFaults({ silence: 'yes' })).toThrow('true or false')
    expect(() => readFaults({ latencyInMs: -1 })).toThrow('from 0 to 60000')
    expect(() => readFaults({ action: 'explode' })).toThrow('force-close')
    expect(() => readFreeze({ frozen: true, meanwhile: 'war' })).toThrow('nothing, silence, close')
    expect(() => readFreeze({ frozen: true, thawAfterInMs: 1 })).toThrow('from 0.1 to 600 seconds')
    expect(() => readFreeze({ frozen: true, thawAfterInMs: 9_999_000 })).toThrow('Thaw by itself after')
    expect(() => readFaults({ action: 'lose-acknowledgements', count: 0 })).toThrow(
      'Acknowledgements to lose must be a whole number from 1 to 1000',
    )
  })

  test('a body is the bytes that its kind says', () => {
    expect(bodyBytes({ bodyKind: 'hex', body: 'ca FE\n00 ff' })).toEqual(Buffer.from([0xca, 0xfe, 0, 0xff]))
    expect(bodyBytes({ bodyKind: 'text', body: 'é' })).toEqual(Buffer.from([0xc3, 0xa9]))
    // As it was typed: nothing is formatted on the way.
    expect(bodyBytes({ bodyKind: 'json', body: '{ "a":1 }' }).toString()).toBe('{ "a":1 }')
  })
})
