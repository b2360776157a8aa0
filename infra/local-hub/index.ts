export type { AcceptJwt } from './cbs.js'
export type { Claim, ClaimScope } from './claims.js'
export type { ConnectionStringOptions } from './connection-string.js'
export type { LocalHubBatch, LocalHubEvent, LocalHubStoredEvent } from './event-view.js'
export type { FaultError, LocalHubFaults, SendFault, ThrottleFault } from './faults.js'
export {
  type LocalHub,
  type LocalHubConnection,
  startLocalHub,
} from './local-hub.js'
export type { EventHubOptions, LocalHubOptions, LocalHubTlsOptions, RetentionOptions } from './options.js'
export type { Right } from './sas.js'
