import { withEventHub } from '../../../../adapters/aws-lambda/index.js'
import { EventHubProducerClient } from '../../../../core/client.js'

const client = EventHubProducerClient.fromConnectionString(process.env.EVENTHUB_CONNECTION_STRING ?? '')

// Lambda gives functions with an extension a moment to say goodbye. Not process.exit(): in this runtime it waits for
// the next invocation.
process.once('SIGTERM', () => {
  void client.close().then(() => console.log('closed'))
})

export const handler = withEventHub({ client }, ({ id }: { id: string }, _context, invocation) => {
  void invocation.sendEvent({ body: id, messageId: id })
})
