// The code under test: it is given its client.
import type { EventHubProducerClient } from 'eventhub-sluice'

export interface Order {
  readonly customer: string
  readonly total: number
}

export async function publish(client: EventHubProducerClient, orders: readonly Order[]): Promise<void> {
  const invocation = client.beginInvocation({ timeoutInMs: 2000 })
  for (const order of orders) void invocation.sendEvent({ body: order }, { partitionKey: order.customer })
  const { failures } = await invocation.end()
  if (failures.length > 0)
    throw new Error(`${failures.length} orders were not published.`, { cause: failures[0]?.error })
}
