const showFor = (operation) => ({ show: { operation: [operation] } })

/**
 * One output item for each event's result; or an error that says what the front door said. An answer of 207 is an
 * error as well, unless it is asked for, so that no event is lost unnoticed.
 */
async function resultsOf(items, response) {
  if (response.statusCode >= 400) {
    const { title = response.statusMessage, detail = '' } = response.body ?? {}
    throw new Error(`${response.statusCode}: ${title}. ${detail}`)
  }
  const { results, accepted, failed } = response.body
  const partlyFails = this.getNodeParameter('options.partialFailure', 'error') === 'error'
  if (failed > 0 && partlyFails) {
    const indexes = results.filter(({ status }) => status !== 'accepted').map(({ index }) => index)
    throw new Error(
      `${accepted} events are in the event hub, ${failed} are not or are not known to be: those at ${indexes.join(', ')}. Sending all of them again would double the others.`,
    )
  }
  const [{ pairedItem } = {}] = items
  return results.map((json) => (pairedItem === undefined ? { json } : { json, pairedItem }))
}

/** Declarative: what it sends stands in `routing`, and n8n sends it, one request for each input item. */
class EventHubSluice {
  constructor() {
    this.description = {
      displayName: 'Event Hub (Sluice)',
      name: 'eventHubSluice',
      icon: 'file:sluice.svg',
      group: ['output'],
      version: 1,
      subtitle: '={{$parameter["operation"]}}',
      description: 'Sends events to Azure Event Hubs by way of the Sluice front door',
      defaults: { name: 'Event Hub' },
      inputs: ['main'],
      outputs: ['main'],
      credentials: [{ name: 'eventHubSluiceApi', required: true }],
      requestDefaults: { baseURL: '={{$credentials.url}}', ignoreHttpStatusErrors: true },
      properties: [
        {
          displayName: 'Operation',
          name: 'operation',
          type: 'options',
          noDataExpression: true,
          default: 'send',
          options: [
            {
              name: 'Send',
              value: 'send',
              action: 'Send an event',
              description: 'Send one event for each input item',
            },
            {
              name: 'Send Batch',
              value: 'sendBatch',
              action: 'Send a batch of events',
              description: 'Send several events from each input item, in one request',
            },
          ],
          routing: {
            request: { method: 'POST', url: '/events:batch' },
            output: { postReceive: [resultsOf] },
          },
        },
        {
          displayName: 'Event',
          name: 'event',
          type: 'json',
          required: true,
          default: '={{ $json }}',
          displayOptions: showFor('send'),
          description: 'The event: any JSON',
          routing: {
            send: {
              type: 'body',
              property: 'events[0].body',
              // What the editor holds is text; an expression may give any value.
              value: '={{ typeof $value === "string" ? JSON.parse($value) : $value }}',
            },
          },
        },
        {
          displayName: 'Partition Key',
          name: 'partitionKey',
          type: 'string',
          default: '',
          displayOptions: showFor('send'),
          description: 'Events with the same key go to the same partition, in order',
          routing: { send: { type: 'body', property: 'events[0].partitionKey', value: '={{ $value || undefined }}' } },
        },
        {
          displayName: 'Events',
          name: 'events',
          type: 'json',
          required: true,
          default: '={{ [{ "body": $json, "partitionKey": "device-7" }] }}',
          displayOptions: showFor('sendBatch'),
          description:
            'An array of objects with body, text or base64, and partitionKey, ID, properties and contentType as needed',
          routing: {
            send: {
              type: 'body',
              property: 'events',
              value: '={{ typeof $value === "string" ? JSON.parse($value) : $value }}',
            },
          },
        },
        {
          displayName: 'Options',
          name: 'options',
          type: 'collection',
          placeholder: 'Add option',
          default: {},
          options: [
            {
              displayName: 'Idempotency Key',
              name: 'idempotencyKey',
              type: 'string',
              default: '',
              placeholder: '={{ $execution.id }}-orders-{{ $itemIndex }}',
              description: 'The same key with the same events is not sent twice, where the front door keeps answers',
              routing: { request: { headers: { 'Idempotency-Key': '={{ $value || undefined }}' } } },
            },
            {
              displayName: 'Partial Failure',
              name: 'partialFailure',
              type: 'options',
              default: 'error',
              options: [
                { name: 'Fails the Node', value: 'error' },
                { name: 'Is Output', value: 'output' },
              ],
              description: 'What to do when the event hub took some events of a batch and not others',
            },
          ],
        },
      ],
    }
  }
}

// biome-ignore lint/style/noCommonJs: n8n loads nothing else
module.exports = { EventHubSluice }
