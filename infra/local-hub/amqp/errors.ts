/** Something an AMQP peer is told: it becomes the error of a close, an end, a detach or a rejected outcome. */
export class AmqpError extends Error {
  override readonly name = 'AmqpError'
  readonly condition: string

  constructor(condition: string, description: string) {
    super(description)
    this.condition = condition
  }
}

export function decodeError(what: string): AmqpError {
  return new AmqpError('amqp:decode-error', what)
}
