import { AmqpError } from './errors.js'
import { type Frame, frameType, type Header, protocol, protocolHeader } from './frames.js'
import { readComposite } from './performatives.js'
import { SaslServer } from './sasl.js'

/** What to send, and what comes next: the other side's SASL frame, AMQP itself, another header, or the end. */
export interface HandshakeStep {
  readonly reply: readonly Buffer[]
  readonly next: 'sasl-frame' | 'header' | 'amqp' | 'end'
}

/** Protocol headers and the SASL layer, up to where AMQP begins. */
export class Handshake {
  readonly #saslRequired: boolean
  readonly #authenticatePlain: (userName: string, password: string) => boolean
  #sasl: SaslServer | undefined

  constructor(saslRequired: boolean, authenticatePlain: (userName: string, password: string) => boolean) {
    this.#saslRequired = saslRequired
    this.#authenticatePlain = authenticatePlain
  }

  get saslMechanism(): string | undefined {
    return this.#sasl?.mechanism
  }

  onHeader({ protocolId, supported }: Header): HandshakeStep {
    const authenticated = this.#sasl !== undefined
    if (supported && protocolId === protocol.sasl && !authenticated) {
      this.#sasl = new SaslServer(this.#authenticatePlain)
      return { reply: [protocolHeader(protocol.sasl), this.#sasl.mechanismsFrame()], next: 'sasl-frame' }
    }
    const amqpAllowed = authenticated || !this.#saslRequired
    if (supported && protocolId === protocol.amqp && amqpAllowed) {
      return { reply: [protocolHeader(protocol.amqp)], next: 'amqp' }
    }
    // The specification's answer to a header that is not served: the one that is, and the end.
    return { reply: [protocolHeader(amqpAllowed ? protocol.amqp : protocol.sasl)], next: 'end' }
  }

  onFrame(frame: Frame): HandshakeStep {
    if (this.#sasl === undefined || frame.type !== frameType.sasl) {
      throw new AmqpError('amqp:connection:framing-error', 'A SASL frame was expected.')
    }
    const reply = [this.#sasl.onFrame(readComposite(frame.body))]
    return { reply, next: this.#sasl.done ? 'header' : 'end' }
  }
}
