import * as encode from './encoder.js'
import { AmqpError } from './errors.js'
import type { AttachRequest, LinkHandler } from './link-types.js'
import { type Composite, code, writePerformative } from './performatives.js'

// Names are kept as long as the link lives; a hostile one must not cost a frame's worth of memory.
const maxNameLength = 1024

/** Reads all that is needed of an attach. Throws `AmqpError`, before anything is opened for it. */
export function readAttach(attach: Composite, session: object): AttachRequest {
  const source = attach.composite(5)
  const name = attach.string(0) ?? ''
  const sourceAddress = source?.string(0)
  const targetAddress = attach.composite(6)?.string(0)
  for (const text of [name, sourceAddress, targetAddress]) {
    if (text !== undefined && text.length > maxNameLength) {
      throw new AmqpError(
        'amqp:invalid-field',
        `Link names and addresses may have at most ${maxNameLength} characters.`,
      )
    }
  }
  return {
    name,
    session,
    handle: attach.requiredUint(1),
    peerRole: attach.boolean(2) ? 'receiver' : 'sender',
    presettled: attach.uint(3) === 1,
    source,
    sourceAddress,
    targetAddress,
    initialDeliveryCount: attach.uint(9) ?? 0,
    desiredCapabilities: attach.symbols(12),
    properties: attach.map(13),
  }
}

/** The reply to an attach. Without a handler it is a refusal, which has no terminus where the peer asked for one. */
export function writeAttach(attach: Composite, request: AttachRequest, handler: LinkHandler | undefined): Buffer {
  const toSender = request.peerRole === 'sender'
  const refused = handler === undefined
  const offered = handler?.offeredCapabilities ?? []
  return writePerformative(code.attach, {
    0: attach.raw(0),
    1: encode.uint(request.handle),
    2: encode.boolean(toSender),
    3: attach.raw(3) ?? encode.ubyte(2),
    4: attach.raw(4) ?? encode.ubyte(0),
    5: refused && !toSender ? undefined : attach.raw(5),
    6: refused && toSender ? undefined : attach.raw(6),
    8: encode.boolean(false),
    9: toSender ? undefined : encode.uint(0),
    10: handler && encode.ulong(handler.maxMessageSizeInBytes),
    11: offered.length === 0 ? undefined : encode.symbolArray(offered),
    // A map even when it is empty: the Python SDK merges it into its own without a look.
    13: encode.symbolMap(handler?.properties ?? {}),
  })
}
