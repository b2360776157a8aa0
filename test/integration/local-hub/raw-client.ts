import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import rhea, { type Connection, type Delivery, type EventContext, type Message, type Receiver, type Sender } from 'rhea'
import type { LocalHub } from '../../../infra/local-hub/index.js'

/** A shared access signature as the JavaScript SDK makes it, unless told otherwise. */
export function signature(
  resource: string,
  {
    keyName = 'RootManageSharedAccessKey',
    key,
    expiresAt = Math.floor(Date.now() / 1000) + 600,
    encode = encodeURIComponent,
  }: { keyName?: string; key: string; expiresAt?: number; encode?: (text: string) => string },
): string {
  const encoded = encode(resource)
  const mac = createHmac('sha256', key).update(`${encoded}\n${expiresAt}`).digest('base64')
  return `SharedAccessSignature sr=${encoded}&sig=${encode(mac)}&se=${expiresAt}&skn=${encode(keyName)}`
}

/** The key in a hub's connection string. */
export function keyOf(hub: LocalHub): string {
  return /SharedAccessKey=([^;]+)/.exec(hub.connectionStringFor(hub.eventHubNames[0] ?? ''))?.[1] ?? ''
}

export interface RawOptions {
  readonly username?: string
  readonly password?: string
  readonly container_id?: string
  readonly idle_time_out?: number
  readonly max_frame_size?: number
}

/** An open connection of plain rhea: nothing between the test and the wire. */
export async function connect(hub: LocalHub, options: RawOptions = {}): Promise<Connection> {
  const container = rhea.create_container()
  const connection = container.connect({
    host: '127.0.0.1',
    port: hub.amqpPort,
    reconnect: false,
    username: 'anyone',
    ...options,
  })
  connection.setMaxListeners(0)
  // Errors are asserted on where they matter; elsewhere they must not be unhandled.
  for (const name of [
    'connection_error',
    'error',
    'protocol_error',
    'session_error',
    'sender_error',
    'receiver_error',
  ]) {
    connection.on(name, () => {})
  }
  await new Promise<void>((resolve, reject) => {
    connection.once('connection_open', () => resolve())
    connection.once('connection_error', (context: EventContext) => reject(context.error))
    connection.once('disconnected', (context: EventContext) => reject(context.error ?? new Error('disconnected')))
  })
  connection.on('disconnected', () => {})
  return connection
}

export interface RawReply {
  readonly status: number
  readonly description: string
  readonly condition: string | undefined
  readonly body: unknown
}

/** Sends one request to `$cbs` or `$management` and waits for its reply. */
export async function request(
  connection: Connection,
  node: string,
  message: Omit<Message, 'message_id'>,
): Promise<RawReply> {
  const address = `reply-${Math.random().toString(36).slice(2)}`
  const receiver = connection.open_receiver({ source: { address: node }, target: { address } })
  const sender = connection.open_sender(node)
  const reply = new Promise<RawReply>((resolve, reject) => {
    receiver.once('message', ({ message: received }: EventContext) => {
      const properties = received?.application_properties ?? {}
      resolve({
        status: properties['status-code'],
        description: properties['status-description'],
        condition: properties['error-condition'],
        body: received?.body,
      })
    })
    for (const link of [receiver, sender]) {
      link.once(link === sender ? 'sender_error' : 'receiver_error', () => reject(link.error))
    }
    sender.once('rejected', ({ delivery }: EventContext) => reject(delivery?.remote_state?.error))
    connection.once('disconnected', () => reject(new Error('disconnected')))
  })
  reply.catch(() => {})
  await once(sender, 'sendable')
  sender.send({ reply_to: address, ...message, message_id: address } as Message)
  const result = await reply
  sender.close()
  receiver.close()
  return result
}

export function putToken(
  connection: Connection,
  name: string,
  token: string,
  type = 'servicebus.windows.net:sastoken',
): Promise<RawReply> {
  return request(connection, '$cbs', {
    body: token,
    application_properties: { operation: 'put-token', type, name },
  })
}

/** A sender that has credit. Rejects with the link's error when it is refused. */
export function openSender(connection: Connection, options: Parameters<Connection['open_sender']>[0]): Promise<Sender> {
  const sender = connection.open_sender(options)
  sender.setMaxListeners(0)
  return new Promise((resolve, reject) => {
    sender.once('sendable', () => resolve(sender))
    sender.once('sender_error', () => reject(sender.error))
  })
}

/** An open receiver with the messages that have come so far. Rejects with the link's error when it is refused. */
export async function openReceiver(
  connection: Connection,
  options: Exclude<Parameters<Connection['open_receiver']>[0], string | undefined>,
): Promise<{ readonly receiver: Receiver; readonly messages: Message[]; count(wanted: number): Promise<void> }> {
  const receiver = connection.open_receiver(options)
  const messages: Message[] = []
  receiver.on('message', ({ message }: EventContext) => {
    if (message !== undefined) messages.push(message)
  })
  await new Promise<void>((resolve, reject) => {
    // A refused link is attached without a source before it is detached.
    receiver.once('receiver_open', () => receiver.source?.address && resolve())
    receiver.once('receiver_error', () => reject(receiver.error))
  })
  const count = async (wanted: number): Promise<void> => {
    while (messages.length < wanted) await once(receiver, 'message')
  }
  return { receiver, messages, count }
}

/** The outcome of one message: `accepted`, or the condition that it was rejected with. */
export function outcome(delivery: Delivery): Promise<string> {
  const sender = delivery.link as Sender
  return new Promise((resolve) => {
    const settle = (context: EventContext): void => {
      if (context.delivery !== delivery) return
      const error = delivery.remote_state?.error as { condition?: string } | undefined
      resolve(error?.condition ?? 'accepted')
    }
    sender.on('accepted', settle)
    sender.on('rejected', settle)
    sender.once('sender_error', () => resolve(`detached: ${(sender.error as { condition?: string }).condition}`))
    sender.connection.once('disconnected', () => resolve('disconnected'))
  })
}

const batchFormat = 0x80013700

/** Sends events as one batch, each with a data body. */
export function sendBatch(
  sender: Sender,
  bodies: readonly string[],
  annotations: Record<string, unknown> = {},
): Promise<string> {
  const events = bodies.map((body) =>
    rhea.message.encode({ body: rhea.message.data_section(Buffer.from(body)), message_annotations: annotations }),
  )
  const envelope = rhea.message.encode({ body: rhea.message.data_sections(events), message_annotations: annotations })
  return outcome(sender.send(envelope, undefined, batchFormat))
}

/** Sends bytes as they are. */
export function sendBytes(sender: Sender, bytes: Buffer, format = batchFormat): Promise<string> {
  return outcome(sender.send(bytes, undefined, format))
}
