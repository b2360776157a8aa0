import { app } from '@azure/functions'
import { eventHubClient, httpTriggerHandler } from '../../adapters/azure-functions/index.js'
import { createFetchHandler } from '../../adapters/fetch/index.js'

/**
 * The HTTP front door as an Azure Functions app of its own. App settings:
 *
 * - `EventHubConnection` and `EventHubName`: as for the other app, see docs/azure-functions.md.
 * - `FRONT_DOOR_KEY`: what callers send as `Authorization: Bearer <key>`, at least 16 characters. Several, separated by
 *   spaces, while one is being replaced. Without it the host asks for a function key (`x-functions-key`, `?code=`).
 */
const keys = process.env.FRONT_DOOR_KEY?.trim()
const client = eventHubClient({ connection: 'EventHubConnection', eventHubName: '%EventHubName%' })
const door = createFetchHandler({ client, auth: keys ? { bearer: keys.split(/\s+/) } : 'none', basePath: '/api' })

app.http('frontDoor', {
  route: '{*path}',
  methods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
  authLevel: keys ? 'anonymous' : 'function',
  handler: httpTriggerHandler(door),
})
