// Writes the files of infra/workflows/ that follow from the front door's own description. After `npm run build`.
import { writeFileSync } from 'node:fs'
import { createFetchHandler, openApiDocuments } from '../dist/adapters/fetch/index.js'

const door = createFetchHandler({
  // Nothing is sent, so no client is ever made.
  connectionString: 'Endpoint=sb://none.servicebus.windows.net/;SharedAccessKeyName=none;SharedAccessKey=none',
  eventHubName: 'none',
  auth: { bearer: 'a-key-that-opens-nothing' },
  openApi: openApiDocuments({ serverUrl: 'https://door.example.com', title: 'Event hub by way of Sluice' }),
})
const response = await door.fetch(new Request('https://door.example.com/swagger.json'))
const document = await response.json()
const path = 'infra/workflows/power-automate/apiDefinition.swagger.json'
writeFileSync(new URL(`../${path}`, import.meta.url), `${JSON.stringify(document, null, 2)}\n`)
console.log(`Wrote ${path}.`)
