import { describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../../../core/client.js'
import { fakeClient } from '../../../support/fake-client.js'
import { thrownBy } from '../../../support/thrown.js'

const ids = ['0', '1']
const event = { body: 'x' }
const credential = { name: 'n', key: 'k' }
const connectionString = 'Endpoint=sb://ns.example.net;SharedAccessKeyName=n;SharedAccessKey=k;EntityPath=e'

/** Every call that takes options, with what its options are called. As users without types may make it. */
const calls: Readonly<Record<string, readonly [where: string, call: (options: never) => unknown]>> = {
  'the constructor': ['options', (options) => new EventHubProducerClient('ns.example.net', 'e', credential, options)],
  fromConnectionString: [
    'options',
    (options) => EventHubProducerClient.fromConnectionString(connectionString, options),
  ],
  sendEvent: ['send options', (options) => open().sendEvent(event, options)],
  sendBatch: ['send options', (options) => open().sendBatch([event], options)],
  createBatch: ['batch options', (options) => open().createBatch(options)],
  flush: ['call options', (options) => open().flush(options)],
  close: ['close options', (options) => open().close(options)],
  getEventHubProperties: ['call options', (options) => open().getEventHubProperties(options)],
  getPartitionIds: ['call options', (options) => open().getPartitionIds(options)],
  getPartitionProperties: ['call options', (options) => open().getPartitionProperties('0', options)],
  beginInvocation: ['invocation options', (options) => open().beginInvocation(options)],
  'invocation.sendEvent': ['send options', (options) => open().beginInvocation().sendEvent(event, options)],
  'invocation.sendBatch': ['send options', (options) => open().beginInvocation().sendBatch([event], options)],
}

const open = () => fakeClient({ partitionIds: ids }).client

/** What a call throws, at once or later. */
async function failureOf(call: (options: never) => unknown, options: unknown): Promise<Error> {
  try {
    await call(options as never)
  } catch (error) {
    return error as Error
  }
  throw new Error('Nothing was thrown.')
}

describe.each(Object.entries(calls))('%s', (_, [where, call]) => {
  test.each([
    [null, 'null'],
    [5, 'a number'],
    ['0', 'a string'],
    [[], 'an array'],
    [[{ timeoutInMs: 5 }], 'an array'],
    [new Map(), 'a Map'],
  ])('refuses options that are no object, naming what they are (%#)', async (options, kind) => {
    const error = await failureOf(call, options)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(new RegExp(`^The ${where} must be an object.*; received ${kind}\\.$`))
  })

  test('refuses an unknown name, with what was meant', async () => {
    const place = where === 'options' ? '' : ` in the ${where}`
    const error = await failureOf(call, { partition_keys: 5 })
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`Unknown option "partition_keys"${place}. `)
  })
})

describe('a mistaken value', () => {
  test.each(['sendEvent', 'sendBatch', 'flush', 'close', 'getPartitionIds', 'beginInvocation'])(
    '%s: a timeout from the environment is refused as the string it is',
    async (name) => {
      const error = await failureOf(calls[name]![1], { timeoutInMs: '5000' })
      expect(error).toBeInstanceOf(RangeError)
      expect(error.message).toBe(
        "timeoutInMs must be a number of milliseconds, at least 0; received the string '5000'.",
      )
    },
  )

  test('close: what is to be flushed is true or false; a wrong option closes nothing', async () => {
    const { client } = fakeClient({ partitionIds: ids })
    for (const options of [{ flush: 'no' }, { flush: null }, { flsh: false }, null]) {
      await expect(client.close(options as never)).rejects.toBeInstanceOf(TypeError)
    }
    await expect(client.close({ flush: 0 } as never)).rejects.toThrow('flush must be true or false; received a number.')
    // Still open.
    expect((await client.createBatch()).count).toBe(0)
  })

  test.each(['100', 0, 1.5, Number.NaN, null])('createBatch: a size is a whole number from 1 up (%j)', async (size) => {
    const error = await failureOf(calls.createBatch![1], { maxSizeInBytes: size })
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toContain('maxSizeInBytes must be a whole number, at least 1; received ')
  })

  test('beginInvocation: what follows a failure is one of two words', () => {
    const error = thrownBy(() => open().beginInvocation({ afterFailure: 'halt' as never }))
    expect(error.message).toBe("afterFailure must be one of 'continue', 'stop'; received 'halt'.")
  })

  test.each([0, null, {}])(
    'sendEvent: a partition id is a string, and what it was is named by kind (%j)',
    async (id) => {
      const error = await failureOf(calls.sendEvent![1], { partitionId: id })
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^partitionId must be a string such as '0'; received (a number|null|an object)\.$/)
    },
  )

  test('warmUp does not reject, and a mistaken option does not pass by in silence', async () => {
    for (const options of [{ timeout: 5 }, { timeoutInMs: '5' }, null]) {
      const { client, logged } = fakeClient({ partitionIds: ids })
      await client.warmUp(options as never)
      expect(logged).toEqual([expect.stringMatching(/^warn: .*(timeout|warm-up options)/)])
    }
  })
})
