import { closeSync, openSync, writeSync } from 'node:fs'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { serve } from '../../bench/support/child.js'
import { numberOf } from '../support/event-number.js'
import type { FaultKind } from '../support/faults.js'

export interface HubStart {
  /** Each event that is stored is written to its end before the producer is told: it outlives this process. */
  readonly ledgerFile: string
  readonly partitionCount: number
  readonly key: string
}

const eventHubName = 'chaos'
/** Of a copy in the ledger: number and partition, each an unsigned integer of 32 bits. */
const recordSizeInBytes = 8

let hub: LocalHub | undefined

function started(): LocalHub {
  if (hub === undefined) throw new Error('The hub has not been started.')
  return hub
}

const later = (timeInMs: number, action: () => void) => setTimeout(action, timeInMs).unref()

const commands = {
  async start({ ledgerFile, partitionCount, key }: HubStart) {
    const ledger = openSync(ledgerFile, 'a')
    hub = await startLocalHub({
      eventHubs: { [eventHubName]: { partitionCount } },
      sharedAccessKeys: { root: key },
      claimScope: 'exact',
      // The ledger keeps what there is to know; the hub need not.
      retention: { maxEventsPerPartition: 1000 },
      onStored: (_name, events) => {
        const records = Buffer.alloc(events.length * recordSizeInBytes)
        for (const [i, { body, partitionId }] of events.entries()) {
          records.writeUInt32LE(numberOf(body), i * recordSizeInBytes)
          records.writeUInt32LE(Number(partitionId), i * recordSizeInBytes + 4)
        }
        writeSync(ledger, records)
      },
    })
    process.on('exit', () => closeSync(ledger))
    const { connectionString, amqpPort, httpPort } = hub
    return { connectionString, amqpPort, httpPort }
  },

  misbehave({ kind, durationInMs, amount }: { kind: FaultKind; durationInMs: number; amount: number }): void {
    const { faults } = started()
    switch (kind) {
      case 'latency':
        faults.latencyInMs = amount
        later(durationInMs, () => {
          faults.latencyInMs = 0
        })
        break
      case 'throttle':
        faults.throttle = { retryAfterInSeconds: 1 }
        later(durationInMs, () => {
          faults.throttle = undefined
        })
        break
      case 'withhold credit':
        faults.withholdCredit = true
        later(durationInMs, () => {
          faults.withholdCredit = false
        })
        break
      case 'reject, outcome unclear':
        faults.rejectNext({ condition: 'amqp:internal-error', count: amount })
        break
      case 'reject for good':
        faults.rejectNext({ condition: 'amqp:not-allowed', count: amount })
        break
      case 'drop acknowledgements':
        faults.dropAcknowledgements(amount)
        break
      case 'detach instead of answering':
        faults.detachNext({ condition: 'amqp:link:detach-forced', count: amount })
        break
      case 'store, and detach':
        faults.detachNext({ condition: 'amqp:link:detach-forced', count: amount, afterStoring: true })
        break
      case 'detach links':
        faults.detachLinks()
        break
      case 'force close':
        faults.forceCloseConnections()
        break
      case 'silence':
        faults.silenceOpenConnections()
        break
      default:
        throw new Error(`'${kind}' is no fault of the hub.`)
    }
  },

  /** Whatever is left of faults that count sends must not meet the next scenario's end. */
  calm(): void {
    started().faults.reset()
  },
}

export type HubCommands = typeof commands
serve(commands)
