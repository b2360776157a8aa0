import type { RequestResponseLink, Response } from '../../../core/amqp/request-response-link.js'
import type { AuthToken, OperationLimits } from '../../../core/transport.js'

/** Puts a token for an address such as `sb://ns/hub`; resolves with what the service says of it. */
export function putToken(
  cbs: RequestResponseLink,
  address: string,
  { token, type }: AuthToken,
  limits: OperationLimits,
): Promise<Response> {
  const application_properties = { operation: 'put-token', type, name: address }
  return cbs.request({ body: token, application_properties }, limits)
}

/** Whether `$cbs` or `$management` has said yes. */
export function isSuccess({ statusCode }: Response): boolean {
  return statusCode >= 200 && statusCode < 300
}
