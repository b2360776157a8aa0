export { type Destination, EventsNotAcceptedError } from '../flush-on-freeze.js'
export type { AwsCaller } from './aws/call.js'
export { deadLetterQueueSink } from './aws/dead-letter-queue.js'
export { type ConnectionOptions, clientFromEnvironment, type GetClient } from './connection.js'
export type { PartitionKeyFunction } from './delivery.js'
export type { Environment } from './environment.js'
export { type ForwardAnswer, type ForwardHandler, type ForwardOptions, forwardToEventHub } from './forward.js'
export { type EnvironmentOptions, forwardOptionsFromEnvironment } from './forward-environment.js'
export {
  type FetchDoor,
  type FunctionUrlContext,
  type FunctionUrlOptions,
  fromResponse,
  functionUrlHandler,
  toRequest,
} from './function-url.js'
export type { WithEventHubOptions } from './invocations.js'
export {
  type EventHubContext,
  type EventHubMiddleware,
  eventHubMiddleware,
  type MiddyRequest,
} from './middleware.js'
export type {
  PermanentFailure,
  PermanentFailureDetails,
  PermanentFailureSink,
} from './permanent.js'
export type { BatchResponse, ForwardResult } from './sources/answers.js'
export type { HttpAnswer, HttpEventResult } from './sources/http-answer.js'
export type { HttpAuth } from './sources/http-auth.js'
export type { HttpItem, HttpRequest } from './sources/http-request.js'
export type { LambdaInvocationRecord } from './sources/invocation-record.js'
export type { ForwardedRecord, InvocationRecordWrapper, SourceName } from './sources/source.js'
export { EventsRefusedError, type StepFunctionsItem, type StepFunctionsPayload } from './sources/step-functions.js'
export { type EventHubHandler, withEventHub } from './with-event-hub.js'
export {
  type ResponseStream,
  type StreamingEventHubHandler,
  withEventHubStreaming,
} from './with-event-hub-streaming.js'
