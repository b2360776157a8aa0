// Starts the server and posts to it as GitHub does: once signed, once with a signature that is wrong.
import { createHmac } from 'node:crypto'
import { startServer } from './server.js'

const secret = process.env.GITHUB_WEBHOOK_SECRET ?? 'only for this example'
const server = await startServer({ connectionString: process.env.EVENTHUB_CONNECTION_STRING ?? '', secret, port: 0 })

const body = JSON.stringify({ ref: 'refs/heads/main', repository: { full_name: 'octo/hello' } })
const sign = (key: string) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
for (const signature of [sign(secret), sign('a secret that is not ours')]) {
  const response = await fetch(`${server.url}events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-github-hook-id': '42',
      'x-hub-signature-256': signature,
    },
    body,
  })
  console.log(response.status)
}
await server.close()
