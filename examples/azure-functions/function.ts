// An HTTP function with an event hub as output: it answers 202 when the event hub has the order, and fails otherwise.
import { app, type HttpRequest, type InvocationContext } from '@azure/functions'
import { eventData, eventHubOutput, withEventHub } from 'eventhub-sluice/azure-functions'

// The app setting EventHubConnection holds the connection string, or EventHubConnection__fullyQualifiedNamespace the
// namespace, where an identity takes its place.
const orders = eventHubOutput({ connection: 'EventHubConnection' })

export const order = withEventHub(orders, async (request: HttpRequest, context: InvocationContext) => {
  const body = (await request.json()) as { customer?: string }
  if (typeof body.customer !== 'string') return { status: 400, jsonBody: { error: 'Which customer?' } }
  context.extraOutputs.set(orders, eventData({ body, partitionKey: body.customer }))
  return { status: 202 }
})

app.http('order', { methods: ['POST'], authLevel: 'function', handler: order })
