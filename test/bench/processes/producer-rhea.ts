import rhea, { type Connection, type Sender } from 'rhea'
import { serve } from '../support/child.js'
import { bodiesOf } from '../support/events.js'
import type { StreamTiming } from '../support/producer.js'

// The floor: rhea by itself, given batches that were encoded before the clock started. No buffering, no routing, no
// encoding, no callbacks per event; nothing that a producer of events could leave out.

const batchFormat = 0x80013700
const hubName = 'bench'

let connection: Connection | undefined
const senders: Sender[] = []
let accepted = 0
let onAccepted = () => {}

export interface RheaOpenArguments {
  readonly connectionString: string
  readonly partitionIds: readonly string[]
}

export interface RheaStreamArguments {
  readonly firstId: number
  readonly count: number
  readonly sizeInBytes: number
  readonly batchSizeInBytes: number
}

const commands = {
  /** SASL PLAIN, so that no claims are needed. */
  async open({ connectionString, partitionIds }: RheaOpenArguments): Promise<void> {
    const parts = new Map(connectionString.split(';').map((part) => [part.split('=', 1)[0], part.replace(/^\w+=/, '')]))
    const { hostname, port } = new URL((parts.get('Endpoint') ?? '').replace(/^sb:/, 'http:'))
    connection = rhea.create_container().connect({
      host: hostname,
      port: Number(port),
      username: parts.get('SharedAccessKeyName') ?? '',
      password: parts.get('SharedAccessKey') ?? '',
      reconnect: false,
    })
    for (const partitionId of partitionIds) {
      const sender = connection.open_sender({ target: { address: `${hubName}/Partitions/${partitionId}` } })
      sender.on('accepted', () => {
        accepted++
        onAccepted()
      })
      await new Promise<void>((resolve) => sender.once('sendable', () => resolve()))
      senders.push(sender)
    }
  },

  async stream({ firstId, count, sizeInBytes, batchSizeInBytes }: RheaStreamArguments): Promise<StreamTiming> {
    const batches = encodeBatches(firstId, count, sizeInBytes, batchSizeInBytes)
    accepted = 0
    globalThis.gc?.()
    const done = new Promise<void>((resolve) => {
      onAccepted = () => {
        if (accepted === batches.length) resolve()
      }
    })
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    for (const [i, batch] of batches.entries()) {
      senders[i % senders.length]?.send(batch as never, undefined, batchFormat)
    }
    await done
    const { user, system } = process.cpuUsage(cpuBefore)
    return { cpuInMs: (user + system) / 1000, acknowledgedInMs: performance.now() - startedAt }
  },
}

function encodeBatches(firstId: number, count: number, sizeInBytes: number, batchSizeInBytes: number): Buffer[] {
  const batches: Buffer[] = []
  let events: Buffer[] = []
  let size = 0
  const seal = () => {
    if (events.length > 0) batches.push(rhea.message.encode({ body: rhea.message.data_sections(events) }))
    events = []
    size = 0
  }
  for (const body of bodiesOf(firstId, count, sizeInBytes)) {
    const event = rhea.message.encode({ body: rhea.message.data_section(body) })
    if (size + event.length + 8 > batchSizeInBytes) seal()
    events.push(event)
    size += event.length + 8
  }
  seal()
  return batches
}

export type RheaCommands = typeof commands
serve(commands)
