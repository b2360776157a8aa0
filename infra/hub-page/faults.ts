import type { LocalHubFaults } from '../local-hub/index.js'
import type { FaultRequest } from './protocol.js'

/** Does what was asked. Returns what to say of it, for a fault that happens once; lasting ones are observed. */
export function applyFaults(faults: LocalHubFaults, request: FaultRequest): string | undefined {
  const { throttle, silence, refuseConnections, latencyInMs, action, count = 1 } = request
  if (throttle !== undefined) faults.throttle = throttle ? {} : undefined
  if (refuseConnections !== undefined) faults.refuseConnections = refuseConnections
  if (latencyInMs !== undefined) faults.latencyInMs = latencyInMs
  if (silence !== undefined && silence !== faults.silence) faults.silence = silence
  switch (action) {
    case 'force-close':
      faults.forceCloseConnections()
      return 'The hub closed every connection with amqp:connection:forced.'
    case 'detach-links':
      faults.detachLinks()
      return 'The hub detached every link with amqp:link:detach-forced.'
    case 'destroy-connections':
      faults.destroyConnections()
      return 'Every connection was cut.'
    case 'lose-acknowledgements':
      faults.dropAcknowledgements(count)
      return `The hub stores the next ${count === 1 ? 'batch' : `${count} batches`} and never says so.`
    case 'reset':
      faults.reset()
      return 'All faults were switched off.'
    case undefined:
      return undefined
  }
}
