import { afterEach, describe, expect, test } from 'vitest'
import { EventHubError } from '../../../core/errors.js'
import { withoutTracing } from '../../../core/tracing-api.js'
import { encode, newTracing } from '../../support/traced-events.js'

const registryKey = Symbol.for('opentelemetry.js.api.1')
const globals = globalThis as unknown as Record<symbol, unknown>
const accepted = async () => {}

afterEach(() => {
  delete globals[registryKey]
})

describe('what OpenTelemetry throws', () => {
  const broken = () => {
    throw new Error('no such luck')
  }
  const span = { spanContext: () => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 }), end() {} }
  const manager = { active: () => ({ getValue: () => span, setValue: broken }), with: broken }
  const provider = (made: object) => ({ getTracer: () => ({ startSpan: () => made }) })

  test.each([
    ['a provider that throws', { trace: { getTracer: broken } }],
    ['a tracer that throws', { trace: { getTracer: () => ({ startSpan: broken }) } }],
    ['a provider of another kind', { trace: {}, context: {} }],
    ['a tracer that makes no span', { trace: provider(undefined as never) }],
    ['a context manager that throws', { trace: provider(span), context: { active: broken, with: broken } }],
    ['contexts that throw', { trace: provider(span), context: manager }],
    ['a span without a context', { trace: provider({ spanContext: broken, end() {} }) }],
    ['a span that will not be told', { trace: provider({ ...span, setAttribute: broken, setStatus: broken }) }],
    ['a span that will not end', { trace: provider({ ...span, end: broken }) }],
    ['a registry of another kind', 7],
    ['a registry that is null', null],
    [
      'a context manager that never runs what it is given',
      { trace: provider(span), context: { active: () => ({ getValue() {}, setValue() {} }), with() {} } },
    ],
    [
      'a context manager that runs it twice',
      {
        trace: provider(span),
        context: {
          active: () => ({ getValue() {}, setValue() {} }),
          with: (_: unknown, run: () => void) => {
            run()
            run()
          },
        },
      },
    ],
  ])('costs no event and no error: %s', async (_, registry) => {
    globals[registryKey] = registry
    const { tracing, warnings } = newTracing()
    let runs = 0
    const operation = async () => {
      runs++
      const encoded = encode(tracing, { body: 'a' })
      expect(Buffer.from(encoded.bytes).includes('a')).toBe(true)
      return encoded
    }
    const encoded = await tracing.sendEvents(undefined, [{ body: 'a' }], false, operation)
    await tracing.sendEncoded(undefined, [encoded], operation)
    await tracing.sendBatch({}, undefined, [encoded], operation)
    await withoutTracing(operation)
    expect(runs).toBe(4)
    const failure = new EventHubError('Refused.', { code: 'quota-exceeded' })
    const failing = () => Promise.reject(failure)
    await expect(tracing.sendEvents(undefined, [{ body: 'a' }], false, failing)).rejects.toBe(failure)
    await expect(tracing.sendBatch({}, undefined, [encoded], failing)).rejects.toBe(failure)
    await expect(withoutTracing(failing)).rejects.toBe(failure)
    expect(warnings.length).toBeLessThanOrEqual(1)
  })

  test('is logged once', async () => {
    globals[registryKey] = { trace: { getTracer: broken } }
    const { tracing, warnings } = newTracing()
    for (let i = 0; i < 3; i++) await tracing.sendEvents(undefined, [{ body: 'a' }], false, accepted)
    expect(warnings).toEqual([expect.stringMatching(/OpenTelemetry failed.*no such luck/)])
  })

  test('does not keep a span from ending', async () => {
    const ended: string[] = []
    globals[registryKey] = {
      trace: provider({ ...span, setAttribute: broken, setStatus: broken, end: () => ended.push('end') }),
    }
    await expect(
      newTracing().tracing.sendBatch({}, undefined, [], () => Promise.reject(new Error('odd'))),
    ).rejects.toThrow()
    expect(ended).toEqual(['end'])
  })
})
