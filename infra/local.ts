import { createFetchHandler } from '../adapters/fetch/index.js'
import { EventHubProducerClient } from '../core/client.js'
import { printable } from './cli/printable.js'
import { type RunningServer, serve } from './entrypoints/node-server.js'
import { type HubWithPage, isOfStream, openInBrowser, startHubWithPage } from './hub-page/index.js'
import { runSamples } from './local/samples.js'
import { preview, table } from './local/table.js'
import type { LocalHub, LocalHubBatch } from './local-hub/index.js'

/*
 * `npm start`: the whole line on this machine, without an Azure account. A local hub with its page, the HTTP front door,
 * and recorded input sent through every adapter; then it stays up to be tried.
 *
 * PORT (8080), HUB_PORT (5672) and HUB_HTTP_PORT (8090) choose other ports; 0 takes any that is free.
 */

const eventHubName = 'events'
/** Guards nothing but this machine's loopback. */
const frontDoorKey = 'local-front-door-key'

async function main(): Promise<void> {
  const ports = { http: port('PORT', 8080), hub: port('HUB_PORT', 5672), hubHttp: port('HUB_HTTP_PORT', 8090) }
  const page = await startHub(ports)
  const { hub } = page
  const client = EventHubProducerClient.fromConnectionString(hub.connectionString)
  let frontDoor: RunningServer
  try {
    frontDoor = await serve(createFetchHandler({ client, auth: { bearer: frontDoorKey } }), { port: ports.http })
  } catch (error) {
    await page.close()
    throw error
  }
  console.log(`See what arrives, and break it: ${page.url}`)
  openInBrowser(page.url)

  const fixtures = new URL('../../test/fixtures/', import.meta.url)
  const results = await runSamples({ client, frontDoor: { url: frontDoor.url, key: frontDoorKey }, fixtures })
  console.log('\nTriggers and how they were answered. Nothing is answered before the event hub has it.\n')
  console.log(
    table(
      ['trigger', 'adapter', 'answer'],
      results.map((result) => [result.trigger, result.adapter, result.answer]),
      96,
    ),
  )
  console.log(`\nWhat is in the event hub "${eventHubName}" now:\n`)
  console.log(contents(hub))
  console.log(`
The front door listens on ${frontDoor.url}. Try it:

  curl -i ${frontDoor.url}/events -H 'authorization: Bearer ${frontDoorKey}' \\
    -H 'content-type: application/json' -H 'x-partition-key: me' -d '{"hello":"hub"}'

Any Event Hubs client can connect to the local hub:

  ${hub.connectionString}

What arrives, and faults to switch on: ${page.url}

Ctrl+C stops all of it.`)

  const shown = setInterval(() => showNew(hub), 250)
  // The table above has what the samples brought.
  arrived.length = 0
  notShown = 0
  const stop = () => {
    clearInterval(shown)
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
    void frontDoor
      .close()
      .then(() => client.close())
      .then(() => page.close())
      .then(() => console.log('\nStopped.'))
  }
  process.once('SIGINT', stop)
  process.once('SIGTERM', stop)
}

async function startHub(ports: { readonly hub: number; readonly hubHttp: number }): Promise<HubWithPage> {
  try {
    return await startHubWithPage({
      amqpPort: ports.hub,
      httpPort: ports.hubHttp,
      eventHubs: { [eventHubName]: { partitionCount: 4 } },
      onBatch: remember,
    })
  } catch (error) {
    const { code, port: taken } = error as { code?: string; port?: number }
    if (code !== 'EADDRINUSE') throw error
    const variable = taken === ports.hubHttp ? 'HUB_HTTP_PORT' : 'HUB_PORT'
    throw new Error(
      `Port ${taken}, for the local hub, is taken. Stop what listens there, or choose another: ${variable}=${(taken ?? 0) + 1} npm start`,
    )
  }
}

function contents(hub: LocalHub): string {
  const rows = hub
    .events(eventHubName)
    .map((event) => [
      event.partitionId,
      String(event.sequenceNumber),
      event.partitionKey ?? '',
      String(event.properties['content-type'] ?? ''),
      preview(event.body),
    ])
  return table(['partition', 'number', 'key', 'content type', 'body'], rows)
}

/** In one go; a terminal is no place for a fast stream. */
const mostLines = 10
const arrived: { readonly partitionId: string; readonly sequenceNumber: number }[] = []
let notShown = 0

/** The page's own stream is left to the page. */
function remember({ partitionId, events }: LocalHubBatch): void {
  for (const event of events) {
    if (isOfStream(event)) continue
    if (arrived.length < mostLines) arrived.push({ partitionId, sequenceNumber: event.sequenceNumber })
    else notShown++
  }
}

/** Prints what has come in since the last time, one line each. */
function showNew(hub: LocalHub): void {
  for (const { partitionId, sequenceNumber } of arrived.splice(0)) {
    const event = hub.event(eventHubName, partitionId, sequenceNumber)
    if (event === undefined) continue
    const key = event.partitionKey === undefined ? '' : ` key ${printable(event.partitionKey)}`
    console.log(`+ partition ${partitionId} #${sequenceNumber}${key}: ${preview(event.body).slice(0, 100)}`)
  }
  if (notShown > 0) console.log(`+ ${notShown} more`)
  notShown = 0
}

function port(variable: string, byDefault: number): number {
  const text = process.env[variable]?.trim()
  if (!text) return byDefault
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > 65_535) {
    throw new Error(`${variable} must be a port number from 0 to 65535; it is "${text}".`)
  }
  return number
}

main().catch((error: unknown) => {
  // The sentence alone: a stack helps nobody whose port is taken.
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
