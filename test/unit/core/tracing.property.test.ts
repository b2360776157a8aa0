import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EventHubError } from '../../../core/errors.js'
import type { FlushReport } from '../../../core/report.js'
import { fakeClient } from '../../support/fake-client.js'
import { type OpenTelemetry, startOpenTelemetry } from '../../support/open-telemetry.js'
import { seed } from '../../support/seed.js'
import { settlePromises } from '../../support/virtual-clock.js'

const registryKey = Symbol.for('opentelemetry.js.api.1')
const partitionIds = ['0', '1']
const busy = new EventHubError('busy', { code: 'server-busy', retryable: true, outcome: 'refused' })
const lost = new EventHubError('lost', { code: 'connection-lost', retryable: true, outcome: 'unknown' })
const full = new EventHubError('full', { code: 'quota-exceeded', outcome: 'refused' })

let otel: OpenTelemetry
beforeEach(() => {
  otel = startOpenTelemetry()
})
afterEach(() => otel.stop())

// Outcomes of sends, endings and failures of OpenTelemetry itself, in any order.
const failures = { busy, lost, full }
const nothing = () => undefined
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ partition: fc.constantFrom(...partitionIds) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('accept', 'busy', 'lost', 'full') }) },
  { weight: 2, arbitrary: fc.record({ ms: fc.nat(3000) }) },
)
const runs = fc.record({
  steps: fc.array(step, { maxLength: 30 }),
  isBuffered: fc.boolean(),
  ignoresLimits: fc.boolean(),
  ending: fc.constantFrom('end', 'close', 'closeAtOnce'),
  failing: fc.constantFrom(undefined, 'startSpan', 'active', 'with', 'setStatus', 'end'),
})

/** Breaks one part of what is registered, every other time that it is used. */
function breakOpenTelemetry(part: string): void {
  const registry = (globalThis as never as Record<symbol, { trace: object; context: object }>)[registryKey]!
  let uses = 0
  const breaking = (target: object): object =>
    new Proxy(target, {
      get(of, key) {
        const value = Reflect.get(of, key)
        if (typeof value !== 'function') return value
        return (...parameters: unknown[]) => {
          if (key === part && uses++ % 2 === 0) throw new Error(`${part} is broken`)
          const made: unknown = Reflect.apply(value, of, parameters)
          return key === 'getTracer' || key === 'startSpan' ? breaking(made as object) : made
        }
      },
    })
  registry.trace = breaking(registry.trace)
  registry.context = breaking(registry.context)
}

/** In a span of the user's, unless that is what is broken. */
function inSomeSpan(action: () => Promise<void>): Promise<void> {
  let done: Promise<void> | undefined
  try {
    otel.inSpan(() => {
      done = action()
    })
  } catch {
    // Broken on purpose.
  }
  return done ?? action()
}

test(`whatever happens, events are accounted for and spans end once (SEED=${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(runs, async ({ steps, isBuffered, ignoresLimits, ending, failing }) => {
      otel.stop()
      otel = startOpenTelemetry()
      if (failing !== undefined) breakOpenTelemetry(failing)
      let settled = 0
      const options = {
        bufferedMode: isBuffered,
        onSuccess: (events: unknown[]) => (settled += events.length),
        onError: (events: unknown[]) => (settled += events.length),
        retryOptions: { maxRetries: 1, retryDelayInMs: 10, tryTimeoutInMs: 500 },
      }
      const { client, clock, transport } = fakeClient({ partitionIds, ...options }, { ignoresLimits })
      const invocation = isBuffered ? undefined : client.beginInvocation({ timeoutInMs: 4000 })
      const target = invocation ?? client
      const reports: Promise<FlushReport | undefined>[] = []
      let taken = 0
      for (const each of steps) {
        if ('partition' in each) {
          const send = () => target.sendEvent({ body: `${taken}` }, { partitionId: each.partition }).catch(() => {})
          await (taken++ % 3 === 0 ? send() : inSomeSpan(send))
        } else if ('ms' in each) await clock.advance(each.ms)
        else if (each.do === 'flush') {
          reports.push(invocation?.flush() ?? client.flush().then(nothing, nothing))
        } else {
          const send = transport.openSends[0]
          if (each.do === 'accept') send?.accept()
          else send?.fail(failures[each.do])
          await settlePromises()
        }
      }
      if (invocation && ending === 'end') reports.push(invocation.end())
      await clock.advance(10_000)
      const closing = client.close({ flush: ending !== 'closeAtOnce', timeoutInMs: 1000 }).catch(nothing)
      await clock.advance(10_000)
      await closing
      if (invocation) reports.push(invocation.flush())
      for (const report of await Promise.all(reports)) {
        settled += (report?.accepted ?? 0) + (report?.failures.length ?? 0)
      }
      expect(settled).toBe(taken)
      if (failing !== 'end') expect(otel.timesEnded()).toEqual(otel.timesEnded().map(() => 1))
    }),
    { numRuns: 300, seed },
  )
})
