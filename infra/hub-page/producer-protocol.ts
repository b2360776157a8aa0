import type { Outcomes } from './protocol.js'

/** The application properties by which the page's server knows the stream's events again when they arrive. */
export const numberProperty = 'hub-page-number'
export const takenAtProperty = 'hub-page-taken-at'

/** What an invocation is to send: numbered events of the stream, or copies of one event from the form. */
export type Work =
  | { readonly kind: 'stream'; readonly numbers: readonly number[] }
  | {
      readonly kind: 'form'
      /** Base64. */
      readonly body: string
      readonly contentType?: string
      readonly partitionKey?: string
      readonly partitionId?: string
      readonly properties?: Readonly<Record<string, string | number | boolean>>
      readonly count: number
    }

/** To the producer's process. */
export interface Invoke {
  readonly id: number
  readonly connectionString: string
  readonly timeoutInMs: number
  readonly work: Work
}

/** What its client's report says. */
export interface InvocationReport extends Outcomes {
  readonly durationInMs: number
  /** Which events were not accepted: indexes into the work. */
  readonly failed: readonly number[]
  /** The first failure's code and message. */
  readonly reason?: string
}

/** From the producer's process. */
export type FromProducer =
  | ({ readonly kind: 'report'; readonly id: number } & InvocationReport)
  | { readonly kind: 'log'; readonly level: 'debug' | 'info' | 'warn' | 'error'; readonly text: string }
