export type { Destination } from '../flush-on-freeze.js'
export type { EventsAnswer } from './answer.js'
export { type ApiKeyAuthOptions, apiKeyAuth } from './auth/api-key.js'
export type { BearerAuth, FetchHandlerAuth } from './auth/authenticate.js'
export { type BasicAuthOptions, basicAuth } from './auth/basic.js'
export { type GitHubAuthOptions, gitHubAuth } from './auth/git-hub.js'
export type { AuthScheme, SecurityScheme } from './auth/scheme.js'
export { type StandardWebhooksAuthOptions, standardWebhooksAuth } from './auth/standard-webhooks.js'
export type { AttributeValue, CloudEvent } from './cloudevents/attributes.js'
export type { FetchContext } from './context.js'
export { type CorsOptions, type CorsPolicy, cors } from './cors.js'
export type { FetchHandler } from './handler.js'
export { createFetchHandler } from './handler.js'
export {
  type DurableObjectIdempotencyStoreOptions,
  durableObjectIdempotencyStore,
  type IdempotencyNamespace,
  IdempotencyObject,
  type IdempotencyObjectState,
} from './idempotency/durable-object.js'
export { type IdempotencyKeys, type IdempotencyKeysOptions, idempotencyKeys } from './idempotency/keys.js'
export { type MemoryIdempotencyStoreOptions, memoryIdempotencyStore } from './idempotency/memory-store.js'
export type {
  IdempotencyClaim,
  IdempotencyOutcome,
  IdempotencyState,
  IdempotencyStore,
} from './idempotency/store.js'
export type { IncomingEvent } from './incoming.js'
export { type OpenApiDocuments, type OpenApiOptions, openApiDocuments } from './openapi/index.js'
export type { FetchHandlerOptions } from './options.js'
export type { Problem } from './problem.js'
export type { QueueBatch, QueueMessage } from './queue/batch.js'
export type { QueueConsumer, QueueConsumerOptions, QueueDoor, QueueEvent } from './queue/consumer.js'
export { queueConsumer } from './queue/consumer.js'
export { type RateLimit, type RateLimitOptions, rateLimit } from './rate-limit.js'
export type { EventResult } from './results.js'
export { type CloudEventsWebhookOptions, cloudEventsWebhook } from './webhooks/cloud-events-webhook.js'
export { eventGridWebhook } from './webhooks/event-grid.js'
export type { WebhookProtocol } from './webhooks/protocol.js'
