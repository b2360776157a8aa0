export { EventsNotAcceptedError } from '../flush-on-freeze.js'
export { type ConnectionOptions, destinationFromEnvironment } from './connection.js'
export type { PartitionKeyFunction } from './delivery.js'
export { type ForwardHandler, type ForwardOptions, forwardToEventHub } from './forward.js'
export {
  type FetchDoor,
  type FunctionUrlContext,
  type FunctionUrlOptions,
  fromResponse,
  functionUrlHandler,
  toRequest,
} from './function-url.js'
export type { PermanentFailure, PermanentFailureDetails, PermanentFailureSink } from './permanent.js'
export type { ForwardResult } from './sources/answers.js'
export type { LambdaInvocationRecord } from './sources/invocation-record.js'
export type { ForwardedRecord, SourceName } from './sources/source.js'
export { type EventHubHandler, type WithEventHubOptions, withEventHub } from './with-event-hub.js'
