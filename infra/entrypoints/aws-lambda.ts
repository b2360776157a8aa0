import { forwardOptionsFromEnvironment, forwardToEventHub } from '../../adapters/aws-lambda/index.js'
import { isInLambda, withOwnClient } from './lambda-client.js'

/**
 * The forwarder that serverless.yml deploys, once for each source. Everything is set up by environment:
 * docs/aws-lambda.md lists the variables. A mistake there fails the loading, with one message.
 */
const options = forwardOptionsFromEnvironment()

export const handler = isInLambda()
  ? forwardToEventHub(options)
  : withOwnClient((client) => forwardToEventHub({ ...options, client, warmUp: false }))
