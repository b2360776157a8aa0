export type {
  EventHubCredential,
  NamedKeyCredential,
  SasCredential,
  SecretRequest,
  TokenCredential,
} from './auth/credential.js'
export type { RefreshConnectionString } from './auth/refreshing-connection-string.js'
export { EventDataBatch } from './buffering/event-data-batch.js'
export type { ConnectionStringOptions } from './client.js'
export { EventHubProducerClient } from './client.js'
export type { Clock } from './clock.js'
export type { EventHubErrorCode, EventHubErrorDetails, FailureOutcome } from './errors.js'
export { EventHubError, OperationTimeoutError } from './errors.js'
export type {
  AmqpAnnotatedMessage,
  AmqpMessageHeader,
  AmqpMessageProperties,
  AmqpPrimitive,
  EventData,
  EventInput,
} from './event-data.js'
export { Invocation } from './invocation.js'
export type {
  BeginInvocationOptions,
  BufferedModeOptions,
  CloseOptions,
  CommonClientOptions,
  CreateBatchOptions,
  ErrorCallback,
  EventHubProducerClientOptions,
  HttpProxyOptions,
  ImmediateModeOptions,
  OperationOptions,
  Pem,
  SuccessCallback,
  TlsOptions,
  TlsVersion,
  TransportType,
  WarmUpOptions,
} from './options.js'
export type { FlushFailure, FlushReport } from './report.js'
export type { RetryOptions } from './retry.js'
export type { SendOptions } from './send-options.js'
export type {
  AuthToken,
  EncodedEvent,
  EventCodec,
  EventHubProperties,
  Logger,
  OperationLimits,
  PartitionId,
  PartitionProperties,
  TokenSource,
  Transport,
  TransportContext,
  TransportFactory,
  TransportOptions,
} from './transport.js'
