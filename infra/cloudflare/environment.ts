/** The bindings of every Worker here. */
export interface FrontDoorEnv {
  /** Of a key with the Send right. Set it with `wrangler secret put`. */
  readonly EVENTHUB_CONNECTION_STRING: string
  /** The event hub, unless the connection string has an `EntityPath`. A variable. */
  readonly EVENTHUB_NAME?: string
  /**
   * What callers send as `Authorization: Bearer <key>`, at least 16 characters. Several, separated by
   * spaces, while one is being replaced. Set it with `wrangler secret put`.
   */
  readonly FRONT_DOOR_KEY: string
}

/** What all the Workers here have in common: where events go, and who may send them. Throws where a secret is missing. */
export function destinationAndAuth(env: FrontDoorEnv) {
  return {
    connectionString: required(env, 'EVENTHUB_CONNECTION_STRING'),
    eventHubName: env.EVENTHUB_NAME || undefined,
    auth: { bearer: required(env, 'FRONT_DOOR_KEY').split(/\s+/) },
  }
}

function required(env: FrontDoorEnv, name: 'EVENTHUB_CONNECTION_STRING' | 'FRONT_DOOR_KEY'): string {
  const value = env[name]?.trim()
  if (!value) throw new Error(`The binding ${name} is missing. Set it with: wrangler secret put ${name}`)
  return value
}
