import { type AmqpValue, decodeValue } from './amqp/decoder.js'
import * as encode from './amqp/encoder.js'
import { AmqpError } from './amqp/errors.js'
import type { AttachRequest, Delivery, IncomingLinkHandler, OutgoingLinkHandler } from './amqp/link-types.js'
import type { OutgoingLink } from './amqp/outgoing-link.js'
import { readRawItems } from './amqp/raw-items.js'
import { Reader } from './amqp/reader.js'
import { mapSection, scanSections, section, sectionValue } from './message-bytes.js'

// Enough for the longest token; requests have no business being larger.
const maxRequestSizeInBytes = 64 * 1024
const requestCredit = 100
// A client that asks on and on without taking its answers loses its link.
const maxWaitingReplies = 500

export interface Request {
  readonly applicationProperties: ReadonlyMap<AmqpValue, AmqpValue>
  readonly body: AmqpValue
}

/** Text that some SDKs send as a string and others (Python's) as binary. */
export function textOf(value: AmqpValue | undefined): string | undefined {
  return Buffer.isBuffer(value) ? value.toString('utf8') : typeof value === 'string' ? value : undefined
}

export interface Reply {
  readonly statusCode: number
  readonly statusDescription: string
  /** The condition that goes with an error. */
  readonly errorCondition?: string
  /** An encoded value; null when left out. */
  readonly body?: Buffer
}

/** What a request says about its reply. */
interface ReplyAddress {
  /** Still encoded: it goes back as it came. */
  readonly messageId: Buffer
  readonly replyTo: string | undefined
  readonly session: object
}

interface ReplyLink {
  readonly link: OutgoingLink
  readonly session: object
  readonly waiting: Buffer[]
}

/** One connection's `$cbs` or `$management`: requests come on one link, their replies go out on another. */
export class RequestReplyNode {
  readonly #answer: (request: Request) => Reply | Promise<Reply>
  readonly #replyLinks: ReplyLink[] = []
  #underWay = 0

  constructor(answer: (request: Request) => Reply | Promise<Reply>) {
    this.#answer = answer
  }

  incoming({ session }: AttachRequest): IncomingLinkHandler {
    return {
      kind: 'incoming',
      maxMessageSizeInBytes: maxRequestSizeInBytes,
      creditWindow: () => requestCredit,
      onOpen: () => {},
      onClose: () => {},
      onDelivery: (delivery) => this.#onRequest(delivery, session),
    }
  }

  outgoing({ session }: AttachRequest): OutgoingLinkHandler {
    let own: ReplyLink | undefined
    return {
      kind: 'outgoing',
      maxMessageSizeInBytes: maxRequestSizeInBytes,
      onOpen: (link) => {
        own = { link, session, waiting: [] }
        this.#replyLinks.push(own)
      },
      onRoom: () => own !== undefined && flush(own),
      onClose: () => {
        const index = own === undefined ? -1 : this.#replyLinks.indexOf(own)
        if (index >= 0) this.#replyLinks.splice(index, 1)
      },
    }
  }

  #onRequest(delivery: Delivery, session: object): void {
    const { bytes, sizeInBytes } = delivery
    try {
      if (sizeInBytes > maxRequestSizeInBytes) {
        throw new AmqpError(
          'amqp:link:message-size-exceeded',
          `A request may have ${maxRequestSizeInBytes} bytes at most.`,
        )
      }
      if (this.#underWay >= maxWaitingReplies) {
        throw new AmqpError('amqp:resource-limit-exceeded', 'Too many requests are waiting for their replies.')
      }
      // Not every request has a body: the Python SDK leaves one of null out.
      const sections = scanSections(bytes)
      const properties = sections.find(({ code }) => code === section.properties)
      const fields = properties ? readRawItems(new Reader(bytes, properties.valueStart, properties.end), 'list') : []
      const replyTo = fields[4] === undefined ? undefined : textOf(decodeValue(fields[4]))
      const request = {
        applicationProperties: mapSection(bytes, sections, section.applicationProperties),
        body: sectionValue(bytes, sections, section.value) ?? null,
      }
      // Copies, because the answer may come later than the buffer lives.
      const messageId = Buffer.from(fields[0] ?? encode.nothing)
      delivery.accept()
      void this.#reply(request, { messageId, replyTo, session })
    } catch (error) {
      if (!(error instanceof AmqpError)) throw error
      delivery.reject(error)
    }
  }

  async #reply(request: Request, back: ReplyAddress): Promise<void> {
    let reply: Reply
    this.#underWay++
    try {
      reply = await this.#answer(request)
    } catch (error) {
      reply =
        error instanceof AmqpError
          ? { statusCode: 403, statusDescription: error.message, errorCondition: error.condition }
          : { statusCode: 500, statusDescription: 'The local hub failed on this request.' }
    } finally {
      this.#underWay--
    }
    const target = this.#replyLinkFor(back)
    if (target === undefined) return
    target.waiting.push(encodeReply(reply, back.messageId))
    if (target.waiting.length > maxWaitingReplies) {
      target.link.detach(new AmqpError('amqp:resource-limit-exceeded', 'Too many replies are waiting to be taken.'))
    } else flush(target)
  }

  /** SDKs name their reply link by its target address or by its name; Python's just has one on the same session. */
  #replyLinkFor({ replyTo, session }: ReplyAddress): ReplyLink | undefined {
    const named = ({ link }: ReplyLink): boolean => link.targetAddress === replyTo || link.name === replyTo
    return (
      (replyTo === undefined ? undefined : this.#replyLinks.find(named)) ??
      this.#replyLinks.find((candidate) => candidate.session === session)
    )
  }
}

function flush({ link, waiting }: ReplyLink): void {
  while (link.hasRoom) {
    const next = waiting.shift()
    if (next === undefined) return
    link.send(next)
  }
}

function encodeReply(reply: Reply, messageId: Buffer): Buffer {
  const properties = [...new Array<Buffer>(5).fill(encode.nothing), messageId]
  const status: Record<string, Buffer> = {
    'status-code': encode.int(reply.statusCode),
    'status-description': encode.string(reply.statusDescription),
  }
  if (reply.errorCondition !== undefined) status['error-condition'] = encode.symbol(reply.errorCondition)
  return Buffer.concat([
    encode.described(section.properties, encode.list(properties)),
    encode.described(section.applicationProperties, encode.stringMap(status)),
    encode.described(section.value, reply.body ?? encode.nothing),
  ])
}
