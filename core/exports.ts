export type { EventHubCredential, NamedKeyCredential, SasCredential, TokenCredential } from './auth/credential.js'
export { EventDataBatch } from './buffering/event-data-batch.js'
export type { BeginInvocationOptions, CloseOptions, CreateBatchOptions, OperationOptions } from './client.js'
export { EventHubProducerClient } from './client.js'
export type { Clock } from './clock.js'
export type { EventHubErrorCode, EventHubErrorDetails, FailureOutcome } from './errors.js'
export { EventHubError, OperationTimeoutError } from './errors.js'
export type { AmqpAnnotatedMessage, AmqpPrimitive, EventData, EventInput } from './event-data.js'
export { Invocation } from './invocation.js'
export type { EventHubProducerClientOptions, HttpProxyOptions, TransportType } from './options.js'
export type { FlushFailure, FlushReport } from './report.js'
export type { RetryOptions } from './retry.js'
export type { SendOptions } from './send-options.js'
export type {
  EncodedEvent,
  EventCodec,
  EventHubProperties,
  Logger,
  OperationLimits,
  PartitionProperties,
  Transport,
  TransportContext,
  TransportFactory,
} from './transport.js'
