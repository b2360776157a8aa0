/** How the client is used. */
export type Use = 'direct' | 'buffered' | 'invocation'

export type Wire = 'amqp' | 'amqpOverWebSocket' | 'https'

export interface Scenario {
  readonly name: string
  readonly use: Use
  readonly wire: Wire
  readonly idempotent: boolean
  /** Its part of all events, against that of the others. */
  readonly share: number
}

const scenario = (use: Use, wire: Wire, idempotent: boolean, share: number): Scenario => ({
  name: [use, wire, ...(idempotent ? ['idempotent'] : [])].join(' '),
  use,
  wire,
  idempotent,
  share,
})

/** Every use over every wire; over AMQP with and without idempotent retries. */
export const scenarios: readonly Scenario[] = [
  scenario('direct', 'amqp', false, 3),
  scenario('buffered', 'amqp', false, 4),
  scenario('invocation', 'amqp', false, 4),
  scenario('direct', 'amqp', true, 2),
  scenario('buffered', 'amqp', true, 3),
  scenario('invocation', 'amqp', true, 3),
  scenario('direct', 'amqpOverWebSocket', false, 2),
  scenario('buffered', 'amqpOverWebSocket', true, 2),
  scenario('invocation', 'amqpOverWebSocket', false, 2),
  scenario('direct', 'https', false, 1),
  scenario('buffered', 'https', false, 1),
  scenario('invocation', 'https', false, 1),
]
