import { describe, expect, test } from 'vitest'
import {
  eventData,
  eventHubOutput,
  withEventHub,
  withEventHubOutputs,
} from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'
import { eventsOfHostBinding } from './host-event-hub-binding.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const { app: functions, output: hostOutput } = await import('@azure/functions')
const app = withEventHubOutputs(functions)

const where = { connection: 'EventHubConnection', eventHubName: '%EventHubName%' }
const through = eventHubOutput({ ...where, passThrough: true, name: 'through' })
const queue = { queueName: 'q', connection: 'AzureWebJobsStorage' }

/** What the host's binding sends when a function sets this on `output`. */
let set: unknown
app.storageQueue('through', {
  ...queue,
  extraOutputs: [through],
  handler: (_message, context) => context.extraOutputs.set(through, set),
})
async function sentByHost(value: unknown): Promise<Buffer[] | string | undefined> {
  set = value
  const { outputData = [], error } = await worker.invoke('through', { string: 'm' })
  return error ?? outputData.flatMap(({ data }) => eventsOfHostBinding(data))
}
const asText = (sent: Awaited<ReturnType<typeof sentByHost>>) => (Array.isArray(sent) ? sent.map(String) : sent)

test('the function is registered with the host’s own binding, which resolves its settings itself', () => {
  const { through: binding } = worker.bindings('through')
  expect(binding).toEqual({ type: 'eventHub', direction: 'out', name: 'through', ...where })
  expect(() => worker.index()).not.toThrow()
})

describe('what the host’s binding would change on its way arrives as it was', () => {
  test.each([
    ['text', 'text', ['text']],
    ['text that is a JSON array', '["a","b"]', ['["a","b"]']],
    ['text that looks like JSON and is none', '{not json}', ['{not json}']],
    ['text with a date', '{"at":"2026-01-02T03:04:05.1230000+02:00"}', ['{"at":"2026-01-02T03:04:05.1230000+02:00"}']],
    ['an object', { a: [1, 2] }, ['{"a":[1,2]}']],
    ['true, a number, text and an array in an array', [true, 1.5, 'x', [1]], ['true', '1.5', 'x', '[1]']],
    ['nothing', undefined, []],
    ['nothing in an array', [null, 'x'], ['x']],
    ['an event of which there is only the body', eventData({ body: { id: 1 } }), ['{"id":1}']],
    ['a byte order mark', Buffer.from('\u{feff}x'), ['\u{feff}x']],
    [
      'a CloudEvent',
      { specversion: '1.0', id: '1', source: 's', type: 't' },
      ['{"specversion":"1.0","id":"1","source":"s","type":"t"}'],
    ],
  ])('%s', async (_, value, expected) => {
    expect(asText(await sentByHost(value))).toEqual(expected)
  })

  test('bytes, when they are the only event', async () => {
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    expect(await sentByHost(everyByte)).toEqual([everyByte])
    expect(await sentByHost([everyByte])).toEqual([everyByte])
  })

  test('without us the same values do not: this is what the stand-in of the binding does to them', () => {
    expect(eventsOfHostBinding({ string: '["a","b"]' }).map(String)).toEqual(['a', 'b'])
    expect(() => eventsOfHostBinding({ string: '{not json}' })).toThrow(SyntaxError)
    const json = JSON.stringify([true, Buffer.from([0xff])])
    expect(String(eventsOfHostBinding({ json })[0])).toBe('True')
    expect(eventsOfHostBinding({ json })[1]).not.toEqual(Buffer.from([0xff]))
  })
})

test.each([
  ['a key', eventData({ body: 1, partitionKey: 'k' }), /no partitionKey/],
  ['a partition', eventData({ body: 1, partitionId: '0' }), /no partitionId/],
  ['properties', [eventData({ body: 1, properties: { a: 1 } })], /no properties/],
  ['a content type', eventData({ body: 1, contentType: 'text/plain' }), /no contentType/],
  [
    'a key of CloudEvents',
    { specversion: '1.0', id: '1', source: 's', type: 't', partitionkey: 'k' },
    /no partitionkey/,
  ],
  ['bytes among several events', ['text', Buffer.from([0xff])], /corrupts bytes that are not UTF-8 text/],
  ['a promise', Promise.resolve(1), /Await it first/],
])('%s is refused, and the function fails before the host is handed anything', async (_, value, message) => {
  expect(await sentByHost(value)).toMatch(message)
})

test('as the return it takes the result', async () => {
  app.storageQueue('returned', { ...queue, return: through, handler: () => '["one","two"]' })
  const { returnValue } = await worker.invoke('returned', { string: 'm' })
  expect(eventsOfHostBinding(returnValue ?? {}).map(String)).toEqual(['["one","two"]'])
})

test('events of ours that are not accepted fail the invocation before the host sends its own', async () => {
  const ours = eventHubOutput({ client: new FakeClient(() => 'refused').asClient() })
  app.storageQueue('both', {
    ...queue,
    extraOutputs: [through, ours],
    handler: (_message, context) => {
      context.extraOutputs.set(through, 'host')
      context.extraOutputs.set(ours, 'ours')
    },
  })
  const response = await worker.invoke('both', { string: 'm' })
  expect(response).toMatchObject({ succeeded: false, error: expect.stringMatching(/not accepted/) })
  expect(response.outputData).toBeUndefined()
})

test('with withEventHub alone, the function must be registered with it too, or it says so', async () => {
  const handler = withEventHub(through, (_message: unknown, context) => context.extraOutputs.set(through, '[1]'))
  functions.storageQueue('forgotten', { ...queue, handler })
  functions.storageQueue('named', { ...queue, extraOutputs: [through], handler })
  functions.storageQueue('forgottenReturn', { ...queue, handler: withEventHub({ return: through }, () => 'x') })
  expect((await worker.invoke('forgotten', { string: 'm' })).error).toMatch(/Name it in the extraOutputs/)
  expect((await worker.invoke('forgottenReturn', { string: 'm' })).error).toMatch(/Name it in the return/)
  const { outputData } = await worker.invoke('named', { string: 'm' })
  expect(outputData?.flatMap(({ data }) => eventsOfHostBinding(data)).map(String)).toEqual(['[1]'])
})

test('there is no outcome to ask for, and it says so', async () => {
  app.storageQueue('asks', {
    ...queue,
    extraOutputs: [through],
    handler: (_message, context) => through.for(context).flush(),
  })
  expect((await worker.invoke('asks', { string: 'm' })).error).toMatch(/Leave passThrough out to have outcomes/)
})

test('options that the host’s binding does not have are refused by name', () => {
  for (const [option, value] of Object.entries({ partitionKey: 'k', timeoutInMs: 1, connectionString: 'x' })) {
    expect(() => eventHubOutput({ ...where, passThrough: true, [option]: value })).toThrow(
      `${option} does not go with passThrough`,
    )
  }
  expect(() => eventHubOutput({ connection: 'C', passThrough: true })).toThrow(/needs connection .* and eventHubName/)
  expect(() => eventHubOutput({ ...where, connection: 'Endpoint=x;Key=y', passThrough: true })).toThrow(
    /name of an app/,
  )
  expect(() => eventHubOutput({ ...where, passThrough: 'yes' as never })).toThrow(/passThrough must be true or false/)
})

test('the host’s own outputs may stand beside it', async () => {
  const copies = hostOutput.storageQueue({ queueName: 'copies', connection: 'AzureWebJobsStorage' })
  app.storageQueue('beside', {
    ...queue,
    extraOutputs: [copies, through],
    handler: (_message, context) => {
      context.extraOutputs.set(copies, 'a copy')
      context.extraOutputs.set(through, 'x')
    },
  })
  const { outputData } = await worker.invoke('beside', { string: 'm' })
  expect(outputData?.map(({ data }) => data)).toEqual([{ string: 'a copy' }, { json: '["x"]' }])
})
