import {
  durableObjectIdempotencyStore,
  type FetchHandlerOptions,
  type IdempotencyNamespace,
  idempotencyKeys,
  queueConsumer,
} from '../../adapters/fetch/index.js'
import { destinationAndAuth, type FrontDoorEnv } from './environment.js'
import type { EventHubConnection } from './event-hub-connection.js'

/** The bindings of the Worker with Durable Objects. Each of the two is optional. */
export interface ObjectsEnv extends FrontDoorEnv {
  /** To the class `EventHubConnection`: events leave by AMQP. Without it: by HTTPS. */
  readonly EVENTHUB_CONNECTION?: { getByName(name: string): EventHubConnection }
  /** To the class `IdempotencyObject`: `Idempotency-Key` is honoured. Without it: it is not. */
  readonly IDEMPOTENCY?: IdempotencyNamespace
}

/** The options of the front door, wherever in this Worker it stands. */
export function doorOptions(
  env: ObjectsEnv,
  clientOptions?: FetchHandlerOptions['clientOptions'],
): FetchHandlerOptions {
  return {
    ...destinationAndAuth(env),
    clientOptions,
    queue: queueConsumer(),
    idempotencyKeys: env.IDEMPOTENCY && idempotencyKeys({ store: durableObjectIdempotencyStore(env.IDEMPOTENCY) }),
  }
}
