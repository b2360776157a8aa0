import type { Sender, Session } from 'rhea'
import { generate_uuid, SenderEvents } from 'rhea-promise'
import type { AmqpErrorLike } from '../../../core/amqp/conditions.js'

export type Attached =
  | { readonly maxMessageSizeInBytes: number; readonly credit: number }
  | { readonly refused: AmqpErrorLike }

/** Opens a link for sending and waits until it may be used; sends nothing. It goes with its connection. */
export function attachSender(session: Session, address: string): Promise<Attached> {
  const sender = session.open_sender({
    name: `${address}-${generate_uuid()}`,
    target: { address },
    source: { address: `sluice-${generate_uuid()}` },
    snd_settle_mode: 0,
    rcv_settle_mode: 0,
  }) as Sender & { readonly credit: number }
  return new Promise((resolve) => {
    const onClose = () => resolve({ refused: (sender.error ?? {}) as AmqpErrorLike })
    // A refused attach is answered with one that has no target, and then a detach that says why.
    const onUsable = () => {
      if (!sender.target?.address || sender.credit <= 0) return
      resolve({ maxMessageSizeInBytes: Number(sender.max_message_size) || 0, credit: sender.credit })
    }
    sender.on(SenderEvents.senderOpen, onUsable)
    sender.on('sender_flow', onUsable)
    sender.on(SenderEvents.senderError, onClose)
    sender.on(SenderEvents.senderClose, onClose)
  })
}
