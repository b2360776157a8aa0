import { serve as serveWithSrvx } from 'srvx/node'
import { createFetchHandler } from '../../../adapters/fetch/index.js'
import { EventHubProducerClient } from '../../../core/client.js'
import { serve as serveFrontDoor } from '../../../infra/entrypoints/node-server.js'
import { serve } from '../support/child.js'

/** What the bodies are; it says how the bare handler parses them. */
export type Format = 'json' | 'ndjson'

const commands = {
  /** The front door as `http-node.ts` serves it. */
  async startDoor({ connectionString, key }: { readonly connectionString: string; readonly key: string }) {
    const client = EventHubProducerClient.fromConnectionString(connectionString)
    const handler = createFetchHandler({ client, auth: { bearer: key } })
    const { url } = await serveFrontDoor(handler, { port: 0 })
    await client.warmUp()
    return { url }
  },

  /** A handler of srvx that parses the body and no more. */
  async startBare({ format }: { readonly format: Format }) {
    const fetch = format === 'json' ? parseJson : parseNdjson
    const server = serveWithSrvx({ port: 0, hostname: '127.0.0.1', manual: true, silent: true, fetch })
    await server.serve()
    return { url: server.url ?? '' }
  },

  /** CPU time of this process so far, user and system. */
  cpuInMs(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
}

async function parseJson(request: Request): Promise<Response> {
  return Response.json({ accepted: countOf(await request.json()) })
}

async function parseNdjson(request: Request): Promise<Response> {
  const lines = (await request.text()).split('\n').filter((line) => line !== '')
  return Response.json({ accepted: countOf(lines.map((line) => JSON.parse(line) as unknown)) })
}

function countOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 1
}

export type DoorServerCommands = typeof commands
serve(commands)
