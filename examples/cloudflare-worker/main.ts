// Calls the Worker as Cloudflare does. Under Node, events leave by AMQP; on Workers, the same code uses HTTPS.
import worker from './worker.js'

const env = {
  EVENTHUB_CONNECTION_STRING: process.env.EVENTHUB_CONNECTION_STRING ?? '',
  FRONT_DOOR_KEY: 'a-key-only-for-this-example',
}
const post = (authorization: string) =>
  new Request('https://readings.example.com/events', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', 'x-device': 'device-7' },
    body: '[{"celsius":21.5},{"celsius":21.7}]',
  })

for (const key of [env.FRONT_DOOR_KEY, 'a-key-that-is-wrong']) {
  const response = await worker.fetch(post(`Bearer ${key}`), env)
  const { accepted } = (await response.json()) as { accepted?: number }
  console.log(`${response.status}: ${accepted ?? 0} accepted`)
}
process.exit()
