import { type EventGridEvent, app as functions, type HttpRequest, type InvocationContext } from '@azure/functions'
import { describe, expectTypeOf, test } from 'vitest'
import { eventHubOutput, withEventHubOutputs } from '../../adapters/azure-functions/index.js'

// Checked by `npm run types` and never run: a line that compiles, or fails to, is the promise.

describe('an app with our outputs', () => {
  const app = withEventHubOutputs(functions)
  const orders = eventHubOutput({ connection: 'EventHubConnection', eventHubName: 'orders' })

  test('is the app itself to the editor', () => {
    expectTypeOf(app).toEqualTypeOf<typeof functions>()
  })

  test('knows the types of a registration’s trigger without any annotation', () => {
    app.http('order', {
      extraOutputs: [orders],
      handler: async (request, context) => {
        expectTypeOf(request).toEqualTypeOf<HttpRequest>()
        expectTypeOf(context).toEqualTypeOf<InvocationContext>()
        context.extraOutputs.set(orders, await request.json())
        return { status: 202 }
      },
    })
    app.eventGrid('grid', {
      return: orders,
      handler: (event) => {
        expectTypeOf(event).toEqualTypeOf<EventGridEvent>()
        return event
      },
    })
    // @ts-expect-error a list
    app.timer('tick', { schedule: '0 * * * * *', extraOutputs: orders, handler: () => {} })
  })

  test('passThrough is a yes or no', () => {
    eventHubOutput({ connection: 'EventHubConnection', eventHubName: 'orders', passThrough: true })
    // @ts-expect-error not a word
    eventHubOutput({ connection: 'EventHubConnection', eventHubName: 'orders', passThrough: 'yes' })
    // @ts-expect-error needs an app
    withEventHubOutputs()
  })
})
