import * as encode from './encoder.js'
import { AmqpError } from './errors.js'
import { frame, frameType } from './frames.js'
import { type Composite, code, writePerformative } from './performatives.js'

// In the service's order: a client takes the first that it knows.
const mechanisms = ['MSSBCBS', 'PLAIN', 'ANONYMOUS']

const outcome = { ok: 0, failed: 1 } as const

/** The server's side of SASL. ANONYMOUS and MSSBCBS let anyone in: claims by `$cbs` decide there. */
export class SaslServer {
  readonly #authenticatePlain: (userName: string, password: string) => boolean
  #mechanism: string | undefined
  #done = false

  constructor(authenticatePlain: (userName: string, password: string) => boolean) {
    this.#authenticatePlain = authenticatePlain
  }

  /** Whether the peer has passed. */
  get done(): boolean {
    return this.#done
  }

  get mechanism(): string | undefined {
    return this.#mechanism
  }

  mechanismsFrame(): Buffer {
    const body = writePerformative(code.saslMechanisms, { 0: encode.symbolArray(mechanisms) })
    return frame(frameType.sasl, 0, body)
  }

  /** The answer to a frame from the peer; afterwards either `done`, or the connection has to end. */
  onFrame(init: Composite): Buffer {
    if (init.code !== code.saslInit) throw new AmqpError('amqp:not-allowed', 'A sasl-init was expected.')
    const mechanism = init.string(0) ?? ''
    this.#mechanism = mechanisms.includes(mechanism) ? mechanism : undefined
    this.#done = mechanism === 'PLAIN' ? this.#plain(init.binary(1)) : this.#mechanism !== undefined
    const body = writePerformative(code.saslOutcome, { 0: encode.ubyte(this.#done ? outcome.ok : outcome.failed) })
    return frame(frameType.sasl, 0, body)
  }

  /** RFC 4616: authorization identity, user name and password, each ended by a zero byte but the last. */
  #plain(response: Buffer | undefined): boolean {
    const [, userName, password, ...more] = (response ?? Buffer.alloc(0)).toString('utf8').split('\0')
    if (userName === undefined || password === undefined || more.length > 0) return false
    return this.#authenticatePlain(userName, password)
  }
}
