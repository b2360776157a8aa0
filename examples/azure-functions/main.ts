// Calls the function as the Functions host does.
import functions from '@azure/functions'

process.env.EventHubConnection = process.env.EVENTHUB_CONNECTION_STRING
const { HttpRequest, InvocationContext } = functions
const { order } = await import('./function.js')

const request = (body: unknown) =>
  new HttpRequest({ method: 'POST', url: 'http://localhost/api/order', body: { string: JSON.stringify(body) } })
for (const body of [{ customer: 'ada', total: 12.5 }, { total: 1 }]) {
  const { status } = await order(request(body), new InvocationContext({ functionName: 'order' }))
  console.log(status)
}
process.exit()
