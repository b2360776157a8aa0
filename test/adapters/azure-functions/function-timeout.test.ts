import { InvocationContext } from '@azure/functions'
import { describe, expect, test } from 'vitest'
import {
  functionTimeoutInMs,
  functionTimeoutOfThisApp,
  invocationTimeoutInMs,
} from '../../../adapters/azure-functions/function-timeout.js'
import { eventHubOutput, withEventHub } from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'

const minute = 60_000
const hostJson = (functionTimeout: unknown) => JSON.stringify({ version: '2.0', functionTimeout })

describe('functionTimeout, as the host reads it', () => {
  test.each([
    ['00:05:00', 5 * minute],
    ['00:00:30', 30_000],
    ['0:10', 10 * minute],
    ['00:00:01.5', 1_500],
    ['1.00:00:00', 24 * 60 * minute],
    ['2', 48 * 60 * minute],
    ['-1', Number.POSITIVE_INFINITY],
    [-1, Number.POSITIVE_INFINITY],
  ])('%s', (functionTimeout, expected) => {
    expect(functionTimeoutInMs(hostJson(functionTimeout), {})).toBe(expected)
  })

  test('without one it is the plan’s default: 5 minutes on Consumption, otherwise 30', () => {
    for (const none of [undefined, '{}', hostJson(null)]) {
      expect(functionTimeoutInMs(none, { WEBSITE_SKU: 'Dynamic' })).toBe(5 * minute)
      expect(functionTimeoutInMs(none, { WEBSITE_SKU: 'FlexConsumption' })).toBe(30 * minute)
      expect(functionTimeoutInMs(none, {})).toBe(30 * minute)
    }
  })

  test('an app setting overrides host.json', () => {
    const settings = { AzureFunctionsJobHost__functionTimeout: '00:01:00' }
    expect(functionTimeoutInMs(hostJson('00:05:00'), settings)).toBe(minute)
  })

  test.each([['{'], ['null'], [hostJson('soon')], [hostJson('00:00:00')], [hostJson({})]])(
    '%s, which nobody can read, is never taken for more than the plan allows',
    (text) => {
      expect(functionTimeoutInMs(text, { WEBSITE_SKU: 'Dynamic' })).toBe(5 * minute)
    },
  )
})

test('an invocation has what the output asks for, and never more than the function, nor an HTTP caller, has', () => {
  expect(invocationTimeoutInMs(30_000, 'queueTrigger', 5 * minute)).toBe(30_000)
  expect(invocationTimeoutInMs(10 * minute, 'queueTrigger', 5 * minute)).toBe(5 * minute)
  expect(invocationTimeoutInMs(10 * minute, 'queueTrigger', Number.POSITIVE_INFINITY)).toBe(10 * minute)
  expect(invocationTimeoutInMs(10 * minute, 'httpTrigger', 5 * minute)).toBe(230_000)
  expect(invocationTimeoutInMs(10 * minute, 'HttpTrigger', Number.POSITIVE_INFINITY)).toBe(230_000)
  expect(invocationTimeoutInMs(30_000, 'httpTrigger', 10_000)).toBe(10_000)
})

test('this app’s host.json limits its outputs, and HTTP limits them further', async () => {
  expect(functionTimeoutOfThisApp()).toBe(5 * minute)
  const client = new FakeClient()
  const output = eventHubOutput({ client: client.asClient(), timeoutInMs: 10 * minute })
  for (const type of ['queueTrigger', 'httpTrigger']) {
    const context = new InvocationContext({ options: { trigger: { type, name: 't' } } })
    await withEventHub(output, () => {})(undefined, context)
  }
  expect(client.invocations.map(({ options }) => options.timeoutInMs)).toEqual([5 * minute, 230_000])
})

test.each([
  ['a byte order mark', '\u{feff}{"functionTimeout":"00:01:00"}', {}],
  ['comments', '{\n  // "extensions": {}\n  "functionTimeout": "00:01:00"\n}', {}],
  ['another case', '{"FunctionTimeout":"00:01:00"}', {}],
  ['a setting in another case', '{}', { azurefunctionsjobhost__functiontimeout: '00:01:00' }],
])('%s, which the host takes, hides no functionTimeout', (_, hostJson, settings) => {
  expect(functionTimeoutInMs(hostJson, settings)).toBe(60_000)
})
