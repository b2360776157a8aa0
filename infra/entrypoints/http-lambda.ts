import { functionUrlHandler } from '../../adapters/aws-lambda/index.js'
import { createFetchHandler } from '../../adapters/fetch/index.js'
import { withClient } from './lambda-client.js'

/**
 * The HTTP front door as a Lambda function behind a Function URL or an API Gateway HTTP API. It is set up by
 * environment:
 *
 * - where the events go: as the forwarder, see `forwardToEventHub`;
 * - `FRONT_DOOR_KEY`: what callers send as `Authorization: Bearer <key>`, at least 16 characters. Several, separated
 *   by spaces, while one is being replaced. Without it only callers that AWS has authorized (IAM, JWT or a Lambda
 *   authorizer) are let in.
 */
const keys = process.env.FRONT_DOOR_KEY?.trim()

export const handler = withClient(
  (client) =>
    functionUrlHandler(createFetchHandler({ client, auth: keys ? { bearer: keys.split(/\s+/) } : 'none' }), {
      requireAuthorizer: !keys,
    }),
  ({ message }) => {
    console.error(`eventhub-sluice: ${message}`)
    const problem = { title: 'The event hub cannot be reached', status: 503, detail: 'Send the request again later.' }
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '4' }
    return { statusCode: 503, headers, body: JSON.stringify(problem) }
  },
)
