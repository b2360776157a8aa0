import type { AmqpValue } from './decoder.js'
import type { AmqpError } from './errors.js'
import type { IncomingLink } from './incoming-link.js'
import type { OutgoingLink } from './outgoing-link.js'
import type { Composite } from './performatives.js'

/** A peer's wish to attach a link. */
export interface AttachRequest {
  readonly name: string
  readonly handle: number
  /** Which session it came on; compared, never looked into. */
  readonly session: object
  /** What the peer is on this link. */
  readonly peerRole: 'sender' | 'receiver'
  readonly sourceAddress: string | undefined
  readonly targetAddress: string | undefined
  readonly source: Composite | undefined
  /** The peer wants what it is sent to count as settled at once. */
  readonly presettled: boolean
  readonly initialDeliveryCount: number
  readonly properties: ReadonlyMap<AmqpValue, AmqpValue>
  readonly desiredCapabilities: readonly string[]
}

/** A complete message that a peer has sent. It is settled by exactly one of its methods. */
export interface Delivery {
  readonly format: number
  /** Empty when the message was too large to be kept. */
  readonly bytes: Buffer
  /** Its true size, also when it was too large. */
  readonly sizeInBytes: number
  accept(): void
  reject(error: AmqpError): void
}

interface AcceptedLink {
  /** Bytes; told to the peer, and enforced on what it sends. */
  readonly maxMessageSizeInBytes: number
  readonly offeredCapabilities?: readonly string[]
  /** Encoded values by name, for the reply's properties. */
  readonly properties?: Readonly<Record<string, Buffer>>
  onClose(): void
}

/** What the server does with a link on which the peer sends. */
export interface IncomingLinkHandler extends AcceptedLink {
  readonly kind: 'incoming'
  /** How many deliveries the peer may have under way; asked again whenever credit is replenished. */
  creditWindow(): number
  onOpen(link: IncomingLink): void
  onDelivery(delivery: Delivery): void
}

/** What the server does with a link on which the peer receives. */
export interface OutgoingLinkHandler extends AcceptedLink {
  readonly kind: 'outgoing'
  onOpen(link: OutgoingLink): void
  /** There may be room for more: credit came, or a window or a socket opened. */
  onRoom(): void
}

export type LinkHandler = IncomingLinkHandler | OutgoingLinkHandler
