import { bounded, remainingTime } from '../../../core/deadline.js'
import { OperationTimeoutError } from '../../../core/errors.js'
import { Secrets } from './secrets.js'
import { type Finding, failed, type Step, type StepId, type StepResult } from './step.js'
import { claims } from './steps/claims.js'
import { clock } from './steps/clock.js'
import { dns } from './steps/dns.js'
import { hub } from './steps/hub.js'
import { messageSize } from './steps/message-size.js'
import { partition } from './steps/partition.js'
import { proxy } from './steps/proxy.js'
import { roundTrips } from './steps/round-trips.js'
import { sasl } from './steps/sasl.js'
import { settings } from './steps/settings.js'
import { tcp } from './steps/tcp.js'
import { testEvent } from './steps/test-event.js'
import { tls } from './steps/tls.js'
import { token } from './steps/token.js'
import { websocket } from './steps/websocket.js'
import { messageOf } from './text.js'
import type { Visit } from './visit.js'

/** In the order of `stepIds`. */
export const steps: readonly Step[] = [
  settings,
  dns,
  tcp,
  proxy,
  tls,
  clock,
  token,
  websocket,
  sasl,
  claims,
  hub,
  partition,
  messageSize,
  roundTrips,
  testEvent,
]

export interface ExamineOptions {
  /** For all steps together. */
  readonly timeoutInMs: number
  /** Ends the examination; what is left is reported as skipped. */
  readonly signal: AbortSignal
  /** Told of each step as soon as it is done. */
  readonly onResult?: (result: StepResult) => void
}

/** Goes through the steps one by one, and lets go of everything in the end. Never rejects. */
export async function examine(visit: Visit, options: ExamineOptions): Promise<readonly StepResult[]> {
  const { clock } = visit.seams
  const deadline = clock.monotonicNow() + options.timeoutInMs
  const secrets = new Secrets(visit.place)
  const results: StepResult[] = []
  /** Steps that failed, or could not be begun for one that had. */
  const broken = new Set<StepId>()
  try {
    for (const step of steps) {
      const startedAt = clock.monotonicNow()
      const without = whyNot(visit, step, { ...options, deadline, broken })
      const finding = without ?? (await runStep(visit, step, deadline, options.signal))
      // Tokens made here are secrets like those that were given.
      if (visit.token) secrets.addSignature(visit.token.token)
      const isBroken = finding.status === 'failed' || without !== undefined || finding.code === 'interrupted'
      if (isBroken) broken.add(step.id)
      const durationInMs = without ? undefined : Math.round((clock.monotonicNow() - startedAt) * 10) / 10
      const result: StepResult = { id: step.id, ...secrets.hideIn(finding), durationInMs }
      results.push(result)
      options.onResult?.(result)
    }
  } finally {
    visit.end()
  }
  return results
}

type Circumstances = ExamineOptions & { readonly deadline: number; readonly broken: ReadonlySet<StepId> }

/** Undefined where the step can be begun. */
function whyNot(visit: Visit, step: Step, { signal, deadline, broken }: Circumstances): Finding | undefined {
  if (signal.aborted) return { status: 'skipped', code: 'interrupted', summary: 'Interrupted' }
  const missing = step.needs.find((id) => broken.has(id))
  if (missing) return { status: 'skipped', code: 'not-reached', summary: `Not reached: it needs ${missing}` }
  if (remainingTime(visit.seams.clock, deadline) > 0) return undefined
  return { status: 'skipped', code: 'out-of-time', summary: 'Not begun: the time for all steps was used up' }
}

async function runStep(visit: Visit, step: Step, deadline: number, signal: AbortSignal): Promise<Finding> {
  const { clock } = visit.seams
  const until = Math.min(deadline, clock.monotonicNow() + step.limitInMs)
  // What the step has begun must not go on behind its back.
  const ending = new AbortController()
  const ranOut = new OperationTimeoutError('The step ran out of time.')
  try {
    const run = step.run(visit, { deadline: until, signal: ending.signal })
    return await bounded(clock, run, { deadline: until, signal }, () => ranOut)
  } catch (error) {
    if (signal.aborted) return { status: 'skipped', code: 'interrupted', summary: 'Interrupted' }
    if (error instanceof OperationTimeoutError) return step.timedOut(visit)
    return failed('unexpected', `Something unforeseen: ${messageOf(error)}`, [
      'Please report it, with the output of the same command and --json.',
    ])
  } finally {
    ending.abort()
  }
}
