import type { Duplex } from 'node:stream'
import * as encode from './encoder.js'
import { AmqpError } from './errors.js'
import { type Frame, frame, frameType, type Unit, UnitParser } from './frames.js'
import { Handshake, type HandshakeStep } from './handshake.js'
import { Heartbeat } from './heartbeat.js'
import type { IncomingLink } from './incoming-link.js'
import type { AttachRequest, LinkHandler } from './link-types.js'
import type { MemoryBudget } from './memory-budget.js'
import type { OutgoingLink } from './outgoing-link.js'
import { Output } from './output.js'
import { type Composite, code, readComposite, writeError, writePerformative } from './performatives.js'
import { Session } from './session.js'

/** What all connections of a server share. */
export interface ConnectionSettings {
  readonly containerId: string
  /** Largest frame accepted, in bytes. */
  readonly maxFrameSizeInBytes: number
  /** Told to the peer; a connection without a byte for this long is closed. Milliseconds; 0: never. */
  readonly idleTimeoutInMs: number
  readonly saslRequired: boolean
  readonly budget: MemoryBudget
  latencyInMs(): number
  log(message: string): void
}

/** What the server decides for one connection. */
export interface ConnectionHandler {
  /** Whether SASL PLAIN's user name and password are right. */
  authenticatePlain(userName: string, password: string): boolean
  /** Throws `AmqpError` to refuse the link. */
  openLink(request: AttachRequest): LinkHandler
  onClose(): void
}

/** `closing`: our close left; only the peer's close, or its silence for a second, is still awaited. */
type Phase = 'handshake' | 'opening' | 'open' | 'closing' | 'closed'

// As the service has it.
const maxChannel = 4999
// Over all sessions: what every link costs must stay bounded.
const maxLinks = 5000
const closeGraceInMs = 1000

/** The server's end of one AMQP connection over any byte stream. */
export class AmqpConnection {
  readonly id: number
  readonly #stream: Duplex
  readonly #settings: ConnectionSettings
  readonly #handler: ConnectionHandler
  readonly #output: Output
  readonly #parser: UnitParser
  readonly #handshake: Handshake
  readonly #sessions = new Map<number, Session>()
  readonly #heartbeat: Heartbeat
  #deaf = false
  #phase: Phase = 'handshake'
  #peerMaxFrameSize = 512
  #peerContainerId: string | undefined
  #peerUserAgent: string | undefined

  constructor(id: number, stream: Duplex, settings: ConnectionSettings, handler: ConnectionHandler) {
    this.id = id
    this.#stream = stream
    this.#settings = settings
    this.#handler = handler
    this.#parser = new UnitParser(settings.maxFrameSizeInBytes)
    this.#handshake = new Handshake(settings.saslRequired, (user, password) =>
      handler.authenticatePlain(user, password),
    )
    this.#output = new Output(
      stream,
      () => settings.latencyInMs(),
      () => this.#onDrain(),
    )
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('end', () => this.#output.end())
    // An error is always followed by 'close', which is where it is dealt with.
    stream.on('error', (error) => settings.log(`connection ${id}: ${error.message}`))
    stream.on('close', () => this.#onClosed())
    this.#heartbeat = new Heartbeat(settings.idleTimeoutInMs, () => this.#onIdle())
  }

  get budget(): MemoryBudget {
    return this.#settings.budget
  }

  get peerContainerId(): string | undefined {
    return this.#peerContainerId
  }

  get peerUserAgent(): string | undefined {
    return this.#peerUserAgent
  }

  get saslMechanism(): string | undefined {
    return this.#handshake.saslMechanism
  }

  get congested(): boolean {
    return this.#output.congested
  }

  *links(): Iterable<IncomingLink | OutgoingLink> {
    for (const session of this.#sessions.values()) yield* session.links()
  }

  openLink(request: AttachRequest): LinkHandler {
    if ([...this.links()].length >= maxLinks) {
      throw new AmqpError('amqp:resource-limit-exceeded', `A connection may have at most ${maxLinks} links.`)
    }
    return this.#handler.openLink(request)
  }

  /** Says goodbye, with an error or without, and ends the stream once the peer has answered. */
  close(error?: AmqpError): void {
    if (this.#phase === 'closing' || this.#phase === 'closed') return
    if (this.#phase === 'handshake') {
      this.#endDeaf()
      return
    }
    if (this.#phase === 'opening') this.#writeOpen()
    this.#phase = 'closing'
    this.writeFrame(0, writePerformative(code.close, { 0: error === undefined ? undefined : writeError(error) }))
    this.#heartbeat.after(closeGraceInMs, () => this.destroy())
  }

  /** Drops the connection without a word. */
  destroy(): void {
    this.#output.destroy()
  }

  /** From here on the connection takes bytes and answers nothing, for good. */
  mute(): void {
    this.#output.mute()
  }

  forgetSession(channel: number): void {
    this.#sessions.delete(channel)
  }

  writeFrame(channel: number, body: Buffer, payload?: Buffer): void {
    this.#output.write(frame(frameType.amqp, channel, body, payload))
  }

  /** How many bytes of a message fit into a frame beside a performative of this length. */
  maxPayload(performativeLength: number): number {
    return Math.max(1, this.#peerMaxFrameSize - 8 - performativeLength)
  }

  #onData(chunk: Buffer): void {
    this.#heartbeat.heard()
    if (this.#output.muted || this.#deaf) return
    try {
      this.#parser.push(chunk)
      for (let unit = this.#parser.next(); unit !== undefined; unit = this.#parser.next()) {
        this.#handle(unit)
        if (this.#deaf) return
      }
    } catch (error) {
      this.#fail(error)
    }
    // A peer that sends without reading its answers is not read from either, so they cannot pile up.
    if (this.#output.congested) this.#stream.pause()
  }

  #onDrain(): void {
    if (this.#stream.isPaused()) this.#stream.resume()
    if (this.#phase === 'open') for (const session of [...this.#sessions.values()]) session.room()
  }

  #fail(error: unknown): void {
    const known = error instanceof AmqpError
    this.#settings.log(`connection ${this.id}: ${error instanceof Error ? error.message : String(error)}`)
    this.close(known ? error : new AmqpError('amqp:internal-error', 'The local hub failed on this frame.'))
    this.#endDeaf()
  }

  /** Ends the stream after what was written, and reads no more: the peer's bytes have lost their meaning. */
  #endDeaf(): void {
    this.#phase = 'closing'
    this.#deaf = true
    this.#output.end()
    this.#heartbeat.after(closeGraceInMs, () => this.destroy())
  }

  #handle(unit: Unit): void {
    if (unit.kind === 'header') this.#step(this.#handshake.onHeader(unit))
    else if (this.#phase === 'handshake') this.#step(this.#handshake.onFrame(unit))
    else if (unit.type !== frameType.amqp) throw new AmqpError('amqp:connection:framing-error', 'Not an AMQP frame.')
    else if (unit.body.remaining > 0) this.#onFrame(unit)
  }

  #step({ reply, next }: HandshakeStep): void {
    for (const bytes of reply) this.#output.write(bytes)
    if (next === 'amqp') this.#phase = 'opening'
    if (next === 'header') this.#parser.expectHeader()
    if (next !== 'end') return
    this.#settings.log(`connection ${this.id}: refused in the handshake`)
    this.#endDeaf()
  }

  #onFrame(unit: Frame): void {
    const performative = readComposite(unit.body)
    if (performative.code === code.close) this.#onClose()
    if (this.#phase === 'closing') return
    if (performative.code === code.open) {
      if (this.#phase !== 'opening') throw new AmqpError('amqp:not-allowed', 'The connection is open already.')
      this.#peerContainerId = performative.string(0)
      this.#peerUserAgent = userAgentIn(performative)
      this.#peerMaxFrameSize = Math.max(512, Math.min(performative.uint(2) ?? 65536, 65536))
      const keepAlive = (): void => this.#output.write(frame(frameType.amqp, 0, Buffer.alloc(0)))
      this.#heartbeat.keepAlive(performative.uint(4) ?? 0, keepAlive)
      this.#writeOpen()
      this.#phase = 'open'
      return
    }
    if (this.#phase !== 'open') throw new AmqpError('amqp:not-allowed', 'The first frame must be open.')
    if (performative.code === code.begin) {
      if (unit.channel > maxChannel || this.#sessions.has(unit.channel)) {
        throw new AmqpError(
          'amqp:connection:framing-error',
          `Channel ${unit.channel} is in use or above ${maxChannel}.`,
        )
      }
      this.#sessions.set(unit.channel, new Session(this, unit.channel, performative))
      return
    }
    const session = this.#sessions.get(unit.channel)
    if (session === undefined) {
      throw new AmqpError('amqp:connection:framing-error', `Channel ${unit.channel} has no session.`)
    }
    const payload = unit.body.take(unit.body.remaining)
    try {
      session.handle(performative, payload)
    } catch (error) {
      if (!(error instanceof AmqpError)) throw error
      session.end(error)
    }
  }

  #onClose(): void {
    this.close()
    this.#output.end()
  }

  #writeOpen(): void {
    this.writeFrame(0, writeOpen(this.#settings))
  }

  #onIdle(): void {
    const { idleTimeoutInMs } = this.#settings
    const description = `The connection was inactive for more than the allowed ${idleTimeoutInMs} milliseconds.`
    this.close(new AmqpError('amqp:connection:forced', description))
  }

  #onClosed(): void {
    this.#phase = 'closed'
    this.#deaf = true
    this.#heartbeat.stop()
    this.#output.destroy()
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    for (const session of sessions) session.closed()
    this.#handler.onClose()
  }
}

function writeOpen({ containerId, maxFrameSizeInBytes, idleTimeoutInMs }: ConnectionSettings): Buffer {
  return writePerformative(code.open, {
    0: encode.string(containerId),
    2: encode.uint(maxFrameSizeInBytes),
    3: encode.ushort(maxChannel),
    4: idleTimeoutInMs > 0 ? encode.uint(idleTimeoutInMs) : undefined,
    9: encode.symbolMap({ product: encode.string('eventhub-sluice local hub') }),
  })
}

/** Nobody is refused for how they describe themselves. */
function userAgentIn(open: Composite): string | undefined {
  try {
    const properties = open.map(9)
    const name = properties.get('user-agent') ?? properties.get('product')
    return typeof name === 'string' ? name.slice(0, 256) : undefined
  } catch (error) {
    if (error instanceof AmqpError) return undefined
    throw error
  }
}
