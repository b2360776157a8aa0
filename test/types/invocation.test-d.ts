import { describe, expectTypeOf, test } from 'vitest'
import {
  type EventDataBatch,
  EventHubError,
  type EventHubErrorCode,
  type EventHubErrorDetails,
  type EventInput,
  type FailureOutcome,
  type FlushFailure,
  type FlushReport,
  Invocation,
  OperationTimeoutError,
  type SendOptions,
} from '../../core/index.js'

// Checked by `npm run types` and never run: a line that compiles, or fails to, is the promise.

declare const invocation: Invocation

describe('an invocation', () => {
  test('has these members, and only a client makes one', () => {
    expectTypeOf(invocation.sendEvent).toEqualTypeOf<(event: EventInput, options?: SendOptions) => Promise<void>>()
    expectTypeOf(invocation.sendBatch).toEqualTypeOf<
      (events: readonly EventInput[] | EventDataBatch, options?: SendOptions) => Promise<void>
    >()
    expectTypeOf(invocation.flush).toEqualTypeOf<() => Promise<FlushReport>>()
    expectTypeOf(invocation.end).toEqualTypeOf<() => Promise<FlushReport>>()
    expectTypeOf(invocation.signal).toEqualTypeOf<AbortSignal>()
    expectTypeOf(invocation.remainingTimeInMs).toEqualTypeOf<number>()
    // @ts-expect-error beginInvocation makes it
    new Invocation()
  })

  test('reports in this shape', () => {
    expectTypeOf<FlushReport>().toEqualTypeOf<{
      readonly accepted: number
      readonly failures: readonly FlushFailure[]
      readonly durationInMs: number
    }>()
    expectTypeOf<FlushFailure>().toEqualTypeOf<{
      readonly index: number
      readonly event: EventInput
      readonly partitionId?: string
      readonly outcome: FailureOutcome
      readonly error: EventHubError
    }>()
  })
})

describe('an error', () => {
  test('says what is known, in words that programs can branch on', () => {
    expectTypeOf<FailureOutcome>().toEqualTypeOf<'refused' | 'unknown' | 'returned'>()
    expectTypeOf<EventHubErrorCode>().toEqualTypeOf<
      | 'aborted'
      | 'argument-error'
      | 'authentication-failed'
      | 'client-closed'
      | 'connection-lost'
      | 'entity-disabled'
      | 'entity-not-found'
      | 'event-too-large'
      | 'invocation-ended'
      | 'not-supported'
      | 'out-of-order-sequence'
      | 'predecessor-failed'
      | 'producer-epoch-stolen'
      | 'protocol-error'
      | 'publisher-revoked'
      | 'quota-exceeded'
      | 'server-busy'
      | 'service-error'
      | 'timeout'
      | 'unauthorized'
      | 'unexpected'
    >()
    expectTypeOf<Pick<EventHubError, Exclude<keyof EventHubError, keyof Error>>>().toEqualTypeOf<{
      readonly code: EventHubErrorCode
      readonly retryable: boolean
      readonly outcome: FailureOutcome
      readonly retryAfterInMs: number | undefined
      readonly condition: string | undefined
      withOutcome(outcome: FailureOutcome): EventHubError
    }>()
  })

  test('can be made, for tests of what a program does then', () => {
    expectTypeOf(EventHubError).toBeConstructibleWith('message', { code: 'server-busy', retryAfterInMs: 4000 })
    expectTypeOf(EventHubError).instance.toExtend<Error>()
    expectTypeOf(OperationTimeoutError).instance.toExtend<EventHubError>()
    expectTypeOf<OperationTimeoutError['name']>().toEqualTypeOf<'OperationTimeoutError'>()
    expectTypeOf<EventHubErrorDetails>().toEqualTypeOf<{
      readonly code: EventHubErrorCode
      readonly retryable?: boolean
      readonly outcome?: FailureOutcome
      readonly retryAfterInMs?: number
      readonly condition?: string
      readonly cause?: unknown
    }>()
    // @ts-expect-error no such code
    new EventHubError('message', { code: 'busy' })
  })
})
