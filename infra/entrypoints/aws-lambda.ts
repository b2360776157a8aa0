import { forwardToEventHub } from '../../adapters/aws-lambda/index.js'
import { withClient } from './lambda-client.js'

/**
 * The forwarder that serverless.yml deploys, configured by environment: `EVENTHUB_CONNECTION_STRING`, or
 * `EVENTHUB_FULLY_QUALIFIED_NAMESPACE`; `EVENTHUB_NAME`.
 */
export const handler = withClient((client) => forwardToEventHub({ client, warmUp: false }))
